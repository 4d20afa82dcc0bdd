// A thread a connection: main accepts, and each client gets a thread that talks to nobody else.
//
// A connection costs a thread: a kernel stack, and of the 256 KiB reserved for its own stack the
// pages it touches (the session lies there). Creating one takes some ten microseconds, and each
// wakeup of a client is a switch between threads. In return the code is that of the iterative
// server.
//
// Easy to get wrong: pthread_create() fails when there are too many, and std::thread then throws
// where nobody catches; threads that nobody joins keep their stacks; handing the thread the address
// of a variable that the accept loop uses again; static buffers; a SIGTERM that wakes main but none
// of the threads (close() on their sockets would not either, and the number might be another's by
// then).

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

constexpr int kMaxThreads = 16384;  // More clients wait in the backlog.
constexpr std::size_t kStackBytes = 262144;
constexpr std::size_t kAddressBytes = sizeof(void*);

/// What a thread is given. Main deletes it after it has joined the thread.
struct Worker {
  OwnedFd client;
  protocols::Protocol protocol;
  int stop;      // Readable for all threads when one signal comes: see open_stop_fd().
  int finished;  // Where the thread writes the address of its Worker as its last deed.
  pthread_t thread;
};

short wanted_events(protocols::Session& session) {
  const int in = session.input_room().empty() ? 0 : POLLIN;
  const int out = session.output().empty() ? 0 : POLLOUT;
  return static_cast<short>(in | out);
}

/// True when everything is said; false when the client is lost or the server is to stop.
bool converse(int client, protocols::Session& session, int stop) {
  while (true) {
    if (send_some(client, session) == Io::lost) return false;
    if (session.is_finished()) return true;
    if (wait_for(client, wanted_events(session), stop) == Woken::stopped) return false;
    if (receive_some(client, session) == Io::lost) return false;
  }
}

void serve(int client, protocols::Protocol protocol, int stop) {
  auto handler = make_stream_handler(protocol, unix_seconds());
  if (handler == nullptr) return;
  protocols::Session session(std::move(handler));
  if (!converse(client, session, stop)) return reset_if_unfinished(client, session);
  if (!begin_lingering_close(client, session)) return;
  const std::int64_t deadline_ms = now_ms() + kLingerMs;
  while (wait_for(client, POLLIN, stop, deadline_ms) == Woken::ready) {
    if (discard_some(client) == Io::lost) return;
  }
}

void* run_worker(void* argument) {
  auto* worker = static_cast<Worker*>(argument);
  serve(worker->client.get(), worker->protocol, worker->stop);
  worker->client = OwnedFd{};  // The client sees FIN now, not when main gets round to joining.
  // A pipe takes 8 bytes whole or waits, and main always comes to read it.
  while (::write(worker->finished, &worker, kAddressBytes) < 0 && errno == EINTR) {
  }
  return nullptr;
}

class Server final {
 public:
  Server(int listener, int stop, protocols::Protocol protocol)
      : listener_(listener), stop_(stop), protocol_(protocol) {
    ::pthread_attr_init(&attributes_);  // Cannot fail on Linux.
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { ::pthread_attr_destroy(&attributes_); }

  /// 0 or an errno.
  int prepare();
  void run();
  /// Waits for the threads. They all see the stop descriptor.
  void join_all();

 private:
  void accept_client_and_start();
  void start_worker(OwnedFd client);
  void join_finished();

  const int listener_;
  const int stop_;
  const protocols::Protocol protocol_;
  pthread_attr_t attributes_{};
  OwnedFd finished_;  // Read by main,
  OwnedFd finish_;    // written by the threads.
  int threads_ = 0;
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

int Server::prepare() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  finished_ = OwnedFd{ends[0]};
  finish_ = OwnedFd{ends[1]};
  return ::pthread_attr_setstacksize(&attributes_, kStackBytes);
}

void Server::run() {
  while (true) {
    const bool is_paused = accept_again_at_ > now_ms();
    const bool may_accept = !is_paused && threads_ < kMaxThreads;
    std::array polled{pollfd{.fd = may_accept ? listener_ : -1, .events = POLLIN, .revents = 0},
                      pollfd{.fd = finished_.get(), .events = POLLIN, .revents = 0},
                      pollfd{.fd = stop_, .events = POLLIN, .revents = 0}};
    if (::poll(polled.data(), polled.size(), timeout_until(is_paused ? accept_again_at_ : kNever)) <
        0) {
      recover_from_wait_error();
      continue;
    }
    if (polled[2].revents != 0) return;
    if (polled[1].revents != 0) join_finished();
    if (polled[0].revents != 0) accept_client_and_start();
  }
}

void Server::accept_client_and_start() {
  AcceptResult accepted = accept_client(listener_);
  if (accepted.outcome == Accepting::starved) accept_again_at_ = now_ms() + kAcceptPauseMs;
  if (accepted.outcome == Accepting::accepted) start_worker(std::move(accepted.client));
}

void Server::start_worker(OwnedFd client) {
  std::unique_ptr<Worker> worker(
      new (std::nothrow) Worker{std::move(client), protocol_, stop_, finish_.get(), {}});
  if (worker == nullptr) return;
  // No thread to be had: this client is turned away, those that are served go on.
  if (::pthread_create(&worker->thread, &attributes_, run_worker, worker.get()) != 0) return;
  static_cast<void>(worker.release());  // Comes back through the pipe.
  ++threads_;
}

void Server::join_finished() {
  std::array<Worker*, 64> workers{};
  const ssize_t size = ::read(finished_.get(), workers.data(), sizeof workers);
  for (std::size_t i = 0; size > 0 && i < static_cast<std::size_t>(size) / kAddressBytes; ++i) {
    ::pthread_join(workers[i]->thread, nullptr);
    delete workers[i];
    --threads_;
    accept_again_at_ = 0;
  }
}

void Server::join_all() {
  while (threads_ > 0) join_finished();
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  Server server(listener.get(), stop.get(), options.protocol);
  errno = server.prepare();
  if (errno != 0) return fail("pipe2, pthread_attr_setstacksize");
  announce(name_of(listener.get()));
  server.run();
  listener = OwnedFd{};  // New clients are refused while the threads end.
  server.join_all();
  return 0;
}
