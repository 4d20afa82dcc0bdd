// A C++20 coroutine a connection, over one epoll loop: the code of a thread a connection at the
// price of an event loop.
//
// A connection costs a coroutine frame (the session and the local variables, about 33 KiB reserved,
// of which an idle client touches little) and an entry in epoll's list. Where a thread would sleep,
// the coroutine returns to the loop, and the loop resumes it with a function call.
//
// Easy to get wrong: parameters by reference, which are gone at the first co_await; a frame that
// nobody destroys, because a coroutine that waits for ever never reaches its end (here the loop
// knows them all); touching the awaiter after resume(), when its frame may be gone; anything that
// blocks, which stops everybody, though the code looks like a thread's.

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstdlib>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/ring.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

constexpr int kMaxClients = 16384;  // More wait in the backlog, and memory stays bounded.
constexpr int kAcceptBatch = 64;    // Then those who are in get their turn.

class Loop;

/// A coroutine that runs by itself: it starts at once, and its frame goes when it ends or when the
/// loop does. Its first parameter is the loop.
struct Task {
  struct promise_type;
};

struct Task::promise_type {
  template <typename... Rest>
  explicit promise_type(Loop& loop, Rest&...);
  Task get_return_object() { return {}; }
  /// No memory for the frame: the coroutine never starts, and its arguments are destroyed.
  static Task get_return_object_on_allocation_failure() { return {}; }
  static void* operator new(std::size_t size) noexcept {
    return ::operator new(size, std::nothrow);
  }
  static void operator delete(void* frame) { ::operator delete(frame); }
  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_void() {}
  void unhandled_exception() { std::abort(); }

  Link<promise_type> living{this};
};

/// A descriptor that one coroutine waits for. Lives in its frame.
class Watch final {
 public:
  Watch(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  class Awaiter;
  /// For co_await: suspends until one of `events` or a failure is there, or until the deadline (0
  /// events: only that). The result says which; `stopped` at once if epoll has no memory for us and
  /// there is no deadline to wait for instead.
  Awaiter ready(std::uint32_t events, std::int64_t deadline_ms = kNever);

  /// Called by the loop. The coroutine may end in it, and this with it.
  void resume(Woken result);
  [[nodiscard]] std::int64_t deadline_ms() const { return deadline_ms_; }

 private:
  friend class Loop;
  bool suspend(std::coroutine_handle<> coroutine, std::uint32_t events, std::int64_t deadline_ms);

  Loop& loop_;
  const int fd_;
  bool is_registered_ = false;
  std::uint32_t watched_ = 0;
  std::int64_t deadline_ms_ = kNever;
  Woken result_ = Woken::ready;
  std::coroutine_handle<> coroutine_;
  Link<Watch> timer_{this};
};

class Watch::Awaiter final {
 public:
  Awaiter(Watch& watch, std::uint32_t events, std::int64_t deadline_ms)
      : watch_(watch), events_(events), deadline_ms_(deadline_ms) {}
  [[nodiscard]] bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine) {
    return watch_.suspend(coroutine, events_, deadline_ms_);
  }
  Woken await_resume() const { return watch_.result_; }

 private:
  Watch& watch_;
  const std::uint32_t events_;
  const std::int64_t deadline_ms_;
};

/// Resumes coroutines when what they wait for is there.
class Loop final {
 public:
  explicit Loop(int epoll) : epoll_(epoll) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  /// Destroys the coroutines that still wait, and so all that they own.
  ~Loop();

  /// Until the stop descriptor is readable. False if that could not be watched.
  bool run(int stop);
  [[nodiscard]] bool is_stopping() const { return is_stopping_; }

  int clients = 0;  // Counted by the coroutines.

 private:
  friend class Watch;
  friend struct Task::promise_type;
  bool watch(int operation, int fd, std::uint32_t events, Watch* whose) const;
  void add_timer(Watch& watch);
  void resume_late();

  const int epoll_;
  bool is_stopping_ = false;
  Link<Task::promise_type> living_;
  Link<Watch> timers_;  // The earliest first.
};

template <typename... Rest>
Task::promise_type::promise_type(Loop& loop, Rest&...) {
  living.join(loop.living_);
}

Watch::Awaiter Watch::ready(std::uint32_t events, std::int64_t deadline_ms) {
  return {*this, events, deadline_ms};
}

/// False: do not suspend.
bool Watch::suspend(std::coroutine_handle<> coroutine, std::uint32_t events,
                    std::int64_t deadline_ms) {
  coroutine_ = coroutine;
  deadline_ms_ = deadline_ms;
  if (!is_registered_ || events != watched_) {
    const int operation = is_registered_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    result_ = Woken::stopped;
    const bool is_watched = loop_.watch(operation, fd_, events, this);
    if (!is_watched && deadline_ms == kNever) return false;
    if (is_watched) {
      is_registered_ = true;
      watched_ = events;
    }
  }
  if (deadline_ms != kNever) loop_.add_timer(*this);
  return true;
}

void Watch::resume(Woken result) {
  timer_.leave();
  result_ = result;
  coroutine_.resume();
}

Loop::~Loop() {
  is_stopping_ = true;
  while (Task::promise_type* promise = living_.first()) {
    std::coroutine_handle<Task::promise_type>::from_promise(*promise).destroy();
  }
}

bool Loop::watch(int operation, int fd, std::uint32_t events, Watch* whose) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = whose;
  return ::epoll_ctl(epoll_, operation, fd, &event) == 0;
}

/// Most wait equally long, so the place is nearly always at the end.
void Loop::add_timer(Watch& watch) {
  Link<Watch>* after = &timers_;
  while (after->previous->owner != nullptr &&
         after->previous->owner->deadline_ms() > watch.deadline_ms()) {
    after = after->previous;
  }
  watch.timer_.join(*after);
}

bool Loop::run(int stop) {
  if (!watch(EPOLL_CTL_ADD, stop, EPOLLIN, nullptr)) return false;
  std::array<epoll_event, 128> events{};
  while (true) {
    const Watch* next = timers_.first();
    const std::int64_t deadline_ms = next != nullptr ? next->deadline_ms() : kNever;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   timeout_until(deadline_ms));
    if (count < 0) recover_from_wait_error();
    // A descriptor is in a batch once, and nobody but its own coroutine ends in resume(): no event
    // here speaks of one that is gone.
    for (int i = 0; i < count; ++i) {
      auto* watch = static_cast<Watch*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (watch == nullptr) return true;
      watch->resume(Woken::ready);
    }
    resume_late();
  }
}

void Loop::resume_late() {
  const std::int64_t now = now_ms();
  while (Watch* watch = timers_.first()) {
    if (watch->deadline_ms() > now) return;
    watch->resume(Woken::timed_out);
  }
}

/// Counts a client as long as its coroutine has a frame. If the loop ends in the middle of a reply,
/// the client is told by RST.
class Presence final {
 public:
  Presence(Loop& loop, int client, const protocols::Session& session)
      : loop_(loop), client_(client), session_(session) {
    ++loop_.clients;
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() {
    --loop_.clients;
    if (loop_.is_stopping()) reset_if_unfinished(client_, session_);
  }

 private:
  Loop& loop_;
  const int client_;
  const protocols::Session& session_;
};

std::uint32_t wanted_events(protocols::Session& session) {
  return (session.input_room().empty() ? 0U : EPOLLIN) | (session.output().empty() ? 0U : EPOLLOUT);
}

/// One client from its first byte to its last.
Task serve(Loop& loop, OwnedFd client, protocols::Protocol protocol) {
  const int fd = client.get();
  auto handler = make_stream_handler(protocol, unix_seconds());
  if (handler == nullptr) co_return;
  protocols::Session session(std::move(handler));
  const Presence presence(loop, fd, session);
  Watch watch(loop, fd);

  while (true) {
    if (send_some(fd, session) == Io::lost) co_return;
    if (session.is_finished()) break;
    const Woken woken = co_await watch.ready(wanted_events(session));
    if (woken == Woken::stopped) co_return;
    if (receive_some(fd, session) == Io::lost) co_return;
  }
  if (!begin_lingering_close(fd, session)) co_return;
  const std::int64_t deadline_ms = now_ms() + kLingerMs;
  while (now_ms() < deadline_ms) {
    const Woken woken = co_await watch.ready(EPOLLIN, deadline_ms);
    if (woken != Woken::ready || discard_some(fd) == Io::lost) co_return;
  }
}

/// Accepts a batch. True if the listener is to be left alone for a while.
bool accept_batch(Loop& loop, int listener, protocols::Protocol protocol) {
  for (int i = 0; i < kAcceptBatch; ++i) {
    if (loop.clients >= kMaxClients) return true;
    AcceptResult accepted = accept_client(listener);
    if (accepted.outcome == Accepting::none) return false;
    if (accepted.outcome == Accepting::starved) return true;
    if (accepted.outcome == Accepting::accepted) serve(loop, std::move(accepted.client), protocol);
  }
  return false;
}

Task accept_clients(Loop& loop, int listener, protocols::Protocol protocol) {
  Watch watch(loop, listener);
  while (true) {
    const Woken woken = co_await watch.ready(EPOLLIN);
    const bool is_full = woken == Woken::stopped || accept_batch(loop, listener, protocol);
    if (is_full) co_await watch.ready(0, now_ms() + kAcceptPauseMs);
  }
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const OwnedFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll.is_open()) return fail("epoll_create1");
  const OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  Loop loop(epoll.get());
  accept_clients(loop, listener.get(), options.protocol);
  announce(name_of(listener.get()));
  return loop.run(stop.get()) ? 0 : fail("epoll_ctl");
}
