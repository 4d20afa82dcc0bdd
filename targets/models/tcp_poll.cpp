// One thread, poll(): an array with an entry a client, handed to the kernel for each wait and
// searched through by both.
//
// A connection costs a descriptor, its session and 16 bytes of tables; a wakeup costs as much as
// there are clients, however few of them are ready. No limit on descriptor numbers, and no state in
// the kernel that could differ from ours: the simplest loop that does everything right, and fast
// enough for some hundred.
//
// Easy to get wrong: asking for POLLOUT with nothing to send, which never waits; ignoring POLLERR
// and POLLHUP, which come unasked and come again until something is done; reading revents after
// poll() failed; leaving the listener in the array while no descriptor is free; removing entries
// while walking.

#include <poll.h>

#include <algorithm>
#include <memory>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

constexpr std::size_t kMaxClients = 16384;  // More wait in the backlog, and memory stays bounded.
constexpr int kAcceptBatch = 64;
constexpr std::size_t kStop = 0;  // The entries that belong to no client.
constexpr std::size_t kListener = 1;
constexpr std::size_t kFixed = 2;

struct Client {
  Client(OwnedFd its_fd, std::unique_ptr<protocols::StreamHandler> handler)
      : fd(std::move(its_fd)), session(std::move(handler)) {}

  OwnedFd fd;
  protocols::Session session;
  std::int64_t lingers_until = 0;  // 0 while it talks.
};

/// What poll() is asked, and whom it is about: entry kFixed + n belongs to client n.
struct Tables {
  pollfd polled[kFixed + kMaxClients];
  std::unique_ptr<Client> clients[kMaxClients];
};

class Server final {
 public:
  Server(int listener, int stop, protocols::Protocol protocol, Tables& tables);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  void run();

 private:
  std::int64_t watch_listener();
  void serve_ready(int ready);
  bool serve(Client& client, short events);
  bool begin_linger(Client& client);
  void expire();
  void accept_clients();
  void admit(OwnedFd fd);
  void remove(std::size_t index);

  const int listener_;
  const protocols::Protocol protocol_;
  Tables& tables_;
  std::size_t count_ = 0;
  std::int64_t expire_at_ = kNever;   // Nobody lingers longer than needed before that.
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

Server::Server(int listener, int stop, protocols::Protocol protocol, Tables& tables)
    : listener_(listener), protocol_(protocol), tables_(tables) {
  tables_.polled[kStop] = {.fd = stop, .events = POLLIN, .revents = 0};
  tables_.polled[kListener] = {.fd = -1, .events = POLLIN, .revents = 0};
}

Server::~Server() {
  for (std::size_t i = 0; i < count_; ++i) {
    const Client& client = *tables_.clients[i];
    reset_if_unfinished(client.fd.get(), client.session);
  }
}

void Server::run() {
  while (true) {
    const std::int64_t deadline_ms = std::min(expire_at_, watch_listener());
    const int ready = ::poll(tables_.polled, kFixed + count_, timeout_until(deadline_ms));
    if (ready < 0) {
      recover_from_wait_error();
      continue;  // revents say nothing.
    }
    if (tables_.polled[kStop].revents != 0) return;
    serve_ready(ready);
    if (tables_.polled[kListener].revents != 0) accept_clients();
    if (expire_at_ <= now_ms()) expire();
  }
}

/// Asks for new clients, or says when to ask again. poll() passes over a negative descriptor.
std::int64_t Server::watch_listener() {
  const bool is_paused = accept_again_at_ != 0 && now_ms() < accept_again_at_;
  const bool may_accept = count_ < kMaxClients && !is_paused;
  tables_.polled[kListener].fd = may_accept ? listener_ : -1;
  return is_paused ? accept_again_at_ : kNever;
}

short wanted_events(Client& client) {
  const bool reads = client.lingers_until != 0 || !client.session.input_room().empty();
  const bool writes = !client.session.output().empty();
  return static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

void Server::serve_ready(int ready) {
  for (std::size_t i = 0; i < count_ && ready > 0;) {
    pollfd& polled = tables_.polled[kFixed + i];
    if (polled.revents == 0) {
      ++i;
      continue;
    }
    --ready;
    if (serve(*tables_.clients[i], polled.revents)) {
      polled.events = wanted_events(*tables_.clients[i++]);
    } else {
      remove(i);  // Another has this place now, and its turn comes next.
    }
  }
}

/// Does what can be done without waiting. False when the client is done with, or lost.
bool Server::serve(Client& client, short events) {
  const int fd = client.fd.get();
  if (client.lingers_until != 0) return discard_some(fd) != Io::lost;
  // POLLERR and POLLHUP come unasked; the next call tells what they mean.
  const bool may_read = (events & ~POLLOUT) != 0;
  if (may_read && receive_some(fd, client.session) == Io::lost) return false;
  if (send_some(fd, client.session) == Io::lost) return false;
  return !client.session.is_finished() || begin_linger(client);
}

bool Server::begin_linger(Client& client) {
  client.lingers_until = now_ms() + kLingerMs;
  expire_at_ = std::min(expire_at_, client.lingers_until);
  return begin_lingering_close(client.fd.get(), client.session);
}

void Server::expire() {
  const std::int64_t now = now_ms();
  expire_at_ = kNever;
  for (std::size_t i = count_; i-- > 0;) {
    const std::int64_t until = tables_.clients[i]->lingers_until;
    if (until == 0) continue;
    if (until <= now) {
      remove(i);
    } else {
      expire_at_ = std::min(expire_at_, until);
    }
  }
}

/// The last one moves to the free place, so that the tables have no holes.
void Server::remove(std::size_t index) {
  --count_;
  tables_.clients[index] = std::move(tables_.clients[count_]);
  tables_.clients[count_].reset();  // Where both are the same.
  tables_.polled[kFixed + index] = tables_.polled[kFixed + count_];
  accept_again_at_ = 0;
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptBatch && count_ < kMaxClients; ++i) {
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
  auto handler = make_stream_handler(protocol_, unix_seconds());
  if (handler == nullptr) return;
  std::unique_ptr<Client> client(new (std::nothrow) Client(std::move(fd), std::move(handler)));
  if (client == nullptr) return;
  tables_.polled[kFixed + count_] = {
      .fd = client->fd.get(), .events = wanted_events(*client), .revents = 0};
  tables_.clients[count_++] = std::move(client);
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const std::unique_ptr<Tables> tables(new (std::nothrow) Tables);
  if (tables == nullptr) return fail("new");
  const OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  announce(name_of(listener.get()));
  Server(listener.get(), stop.get(), options.protocol, *tables).run();
  return 0;
}
