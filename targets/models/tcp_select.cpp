// One thread, select(): two sets of bits, one bit a descriptor, copied into the kernel and back for
// each wait and searched through by both.
//
// A connection costs its session and two bits; a wakeup costs as much as the highest descriptor
// number. And there are 1024 bits: descriptor 1024 and above do not fit.
//
// Easy to get wrong: exactly that. FD_SET() with a larger number writes behind the set, and the
// stack is damaged; it takes no thousand clients, only a parent that left descriptors open. Here
// such a client is turned away, and what was inherited is closed first. Besides: the sets are
// overwritten by each call, and say nothing after a failed one; the first argument is the highest
// number plus one.

#include <sys/select.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

constexpr int kAcceptBatch = 64;  // Then those who are in get their turn.

struct Client {
  Client(OwnedFd its_fd, std::unique_ptr<protocols::StreamHandler> handler)
      : fd(std::move(its_fd)), session(std::move(handler)) {}

  OwnedFd fd;
  protocols::Session session;
  std::int64_t lingers_until = 0;  // 0 while it talks.
};

struct Sets {
  fd_set readable;
  fd_set writable;
  int highest = -1;
  std::int64_t deadline_ms = kNever;
};

class Server final {
 public:
  Server(int listener, int stop, protocols::Protocol protocol)
      : listener_(listener), stop_(stop), protocol_(protocol) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  void run();

 private:
  void fill(Sets& sets);
  void serve_clients(const Sets& ready);
  static bool serve(Client& client, bool is_readable, bool is_writable);
  static bool begin_linger(Client& client);
  void accept_clients();
  void admit(OwnedFd fd);

  const int listener_;
  const int stop_;
  const protocols::Protocol protocol_;
  std::array<std::unique_ptr<Client>, FD_SETSIZE> clients_;  // By descriptor.
  int highest_ = -1;                                         // No client lies above.
  std::int64_t accept_again_at_ = 0;                         // After a starved accept.
};

Server::~Server() {
  for (const auto& client : clients_) {
    if (client != nullptr) reset_if_unfinished(client->fd.get(), client->session);
  }
}

/// Waits for what the sets name, and leaves in them what is ready. False if they say nothing.
bool wait_for_sets(Sets& sets) {
  const int timeout_ms = timeout_until(sets.deadline_ms);
  timeval timeout{.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
  const int count = ::select(sets.highest + 1, &sets.readable, &sets.writable, nullptr,
                             timeout_ms < 0 ? nullptr : &timeout);
  if (count < 0) recover_from_wait_error();
  return count >= 0;
}

void Server::run() {
  while (true) {
    Sets sets;
    fill(sets);
    if (!wait_for_sets(sets)) continue;
    if (FD_ISSET(stop_, &sets.readable)) return;
    serve_clients(sets);
    if (FD_ISSET(listener_, &sets.readable)) accept_clients();
  }
}

void add(fd_set& set, int fd, Sets& sets) {
  FD_SET(fd, &set);
  sets.highest = std::max(sets.highest, fd);
}

void Server::fill(Sets& sets) {
  FD_ZERO(&sets.readable);
  FD_ZERO(&sets.writable);
  add(sets.readable, stop_, sets);
  for (int fd = 0; fd <= highest_; ++fd) {
    Client* client = clients_[static_cast<std::size_t>(fd)].get();
    if (client == nullptr) continue;
    const bool lingers = client->lingers_until != 0;
    if (lingers || !client->session.input_room().empty()) add(sets.readable, fd, sets);
    if (!client->session.output().empty()) add(sets.writable, fd, sets);
    if (lingers) sets.deadline_ms = std::min(sets.deadline_ms, client->lingers_until);
  }
  if (accept_again_at_ > now_ms()) {
    sets.deadline_ms = std::min(sets.deadline_ms, accept_again_at_);
  } else {
    add(sets.readable, listener_, sets);
  }
}

void Server::serve_clients(const Sets& ready) {
  const int highest = std::exchange(highest_, -1);
  for (int fd = 0; fd <= highest; ++fd) {
    std::unique_ptr<Client>& client = clients_[static_cast<std::size_t>(fd)];
    if (client == nullptr) continue;
    if (serve(*client, FD_ISSET(fd, &ready.readable), FD_ISSET(fd, &ready.writable))) {
      highest_ = fd;
    } else {
      client.reset();
      accept_again_at_ = 0;
    }
  }
}

/// Does what can be done without waiting. False when the client is done with, or lost. A failed
/// connection is reported as readable and writable; the next call tells.
bool Server::serve(Client& client, bool is_readable, bool is_writable) {
  const int fd = client.fd.get();
  if (client.lingers_until != 0) {
    if (is_readable && discard_some(fd) == Io::lost) return false;
    return now_ms() < client.lingers_until;
  }
  if (!is_readable && !is_writable) return true;
  if (is_readable && receive_some(fd, client.session) == Io::lost) return false;
  if (send_some(fd, client.session) == Io::lost) return false;
  return !client.session.is_finished() || begin_linger(client);
}

bool Server::begin_linger(Client& client) {
  client.lingers_until = now_ms() + kLingerMs;
  return begin_lingering_close(client.fd.get(), client.session);
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptBatch; ++i) {
    AcceptResult accepted = accept_client(listener_);
    if (accepted.outcome == Accepting::none) return;
    if (accepted.outcome == Accepting::starved) accept_again_at_ = now_ms() + kAcceptPauseMs;
    if (accepted.outcome == Accepting::starved) return;
    if (accepted.outcome == Accepting::accepted) admit(std::move(accepted.client));
  }
}

void Server::admit(OwnedFd fd) {
  const int number = fd.get();
  if (number >= FD_SETSIZE) return;  // Turned away: closed, and seen by the client.
  auto handler = make_stream_handler(protocol_, unix_seconds());
  if (handler == nullptr) return;
  clients_[static_cast<std::size_t>(number)].reset(new (std::nothrow)
                                                       Client(std::move(fd), std::move(handler)));
  highest_ = std::max(highest_, number);
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  // Descriptors left open by whoever started us would take the numbers that select() can watch.
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  if (listener.get() >= FD_SETSIZE || stop.get() >= FD_SETSIZE) {
    return fail_with("no descriptor below " + std::to_string(FD_SETSIZE) + " is free for select()");
  }
  announce(name_of(listener.get()));
  Server(listener.get(), stop.get(), options.protocol).run();
  return 0;
}
