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
  fd_set readable{};
  fd_set writable{};
};

class Server final {
 public:
  Server(int listener, int stop, protocols::Protocol protocol);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  void run();

 private:
  std::int64_t watch_listener();
  void serve_ready(const Sets& ready);
  bool serve(Client& client, bool is_readable);
  bool begin_linger(Client& client);
  void watch(Client& client);
  void expire();
  void accept_clients();
  void admit(OwnedFd fd);
  void remove(int fd);
  [[nodiscard]] std::unique_ptr<Client>& client(int fd) {
    return clients_[static_cast<std::size_t>(fd)];
  }

  const int listener_;
  const int stop_;
  const protocols::Protocol protocol_;
  Sets wanted_;  // Kept; each select() gets a copy, which it overwrites.
  std::array<std::unique_ptr<Client>, FD_SETSIZE> clients_;  // By descriptor.
  int highest_;                                              // Of those in the sets.
  std::int64_t expire_at_ = kNever;   // Nobody lingers longer than needed before that.
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

void set(fd_set& set, int fd, bool is_in) {
  if (is_in) {
    FD_SET(fd, &set);
  } else {
    FD_CLR(fd, &set);
  }
}

Server::Server(int listener, int stop, protocols::Protocol protocol)
    : listener_(listener), stop_(stop), protocol_(protocol), highest_(std::max(listener, stop)) {
  FD_SET(stop_, &wanted_.readable);
}

Server::~Server() {
  for (const auto& client : clients_) {
    if (client != nullptr) reset_if_unfinished(client->fd.get(), client->session);
  }
}

void Server::run() {
  while (true) {
    const int timeout_ms = timeout_until(std::min(expire_at_, watch_listener()));
    timeval timeout{.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};
    Sets ready = wanted_;
    if (::select(highest_ + 1, &ready.readable, &ready.writable, nullptr,
                 timeout_ms < 0 ? nullptr : &timeout) < 0) {
      recover_from_wait_error();
      continue;  // The sets say nothing.
    }
    if (FD_ISSET(stop_, &ready.readable)) return;
    serve_ready(ready);
    if (FD_ISSET(listener_, &ready.readable)) accept_clients();
    if (expire_at_ <= now_ms()) expire();
  }
}

/// Asks for new clients, or says when to ask again.
std::int64_t Server::watch_listener() {
  const bool is_paused = accept_again_at_ != 0 && now_ms() < accept_again_at_;
  set(wanted_.readable, listener_, !is_paused);
  return is_paused ? accept_again_at_ : kNever;
}

void Server::serve_ready(const Sets& ready) {
  for (int fd = 0; fd <= highest_; ++fd) {
    const bool is_readable = FD_ISSET(fd, &ready.readable);
    const bool is_ready = is_readable || FD_ISSET(fd, &ready.writable);
    if (!is_ready || client(fd) == nullptr) continue;
    if (serve(*client(fd), is_readable)) {
      watch(*client(fd));
    } else {
      remove(fd);
    }
  }
}

/// Does what can be done without waiting. False when the client is done with, or lost: a failed
/// connection is reported as readable and writable, and the next call tells.
bool Server::serve(Client& client, bool is_readable) {
  const int fd = client.fd.get();
  if (client.lingers_until != 0) return discard_some(fd) != Io::lost;
  if (is_readable && receive_some(fd, client.session) == Io::lost) return false;
  if (send_some(fd, client.session) == Io::lost) return false;
  return !client.session.is_finished() || begin_linger(client);
}

bool Server::begin_linger(Client& client) {
  client.lingers_until = now_ms() + kLingerMs;
  expire_at_ = std::min(expire_at_, client.lingers_until);
  return begin_lingering_close(client.fd.get(), client.session);
}

void Server::watch(Client& client) {
  const bool lingers = client.lingers_until != 0;
  set(wanted_.readable, client.fd.get(), lingers || !client.session.input_room().empty());
  set(wanted_.writable, client.fd.get(), !client.session.output().empty());
}

void Server::expire() {
  const std::int64_t now = now_ms();
  expire_at_ = kNever;
  for (int fd = 0; fd <= highest_; ++fd) {
    const std::int64_t until = client(fd) != nullptr ? client(fd)->lingers_until : 0;
    if (until == 0) continue;
    if (until <= now) {
      remove(fd);
    } else {
      expire_at_ = std::min(expire_at_, until);
    }
  }
}

void Server::remove(int fd) {
  // Out of the sets first: select() fails as a whole for one closed descriptor.
  set(wanted_.readable, fd, false);
  set(wanted_.writable, fd, false);
  client(fd).reset();
  while (highest_ > std::max(listener_, stop_) && client(highest_) == nullptr) --highest_;
  accept_again_at_ = 0;
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptBatch; ++i) {
    AcceptResult accepted = accept_client(listener_);
    switch (accepted.outcome) {
      case Accepting::accepted:
        admit(std::move(accepted.client));
        break;
      case Accepting::retry:
        break;
      case Accepting::none:
        return;
      case Accepting::starved:
        accept_again_at_ = now_ms() + kAcceptPauseMs;
        return;
    }
  }
}

void Server::admit(OwnedFd fd) {
  const int number = fd.get();
  if (number >= FD_SETSIZE) return;  // Turned away: closed, and the client sees it.
  auto handler = make_stream_handler(protocol_, unix_seconds());
  if (handler == nullptr) return;
  client(number).reset(new (std::nothrow) Client(std::move(fd), std::move(handler)));
  if (client(number) == nullptr) return;
  highest_ = std::max(highest_, number);
  watch(*client(number));
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
