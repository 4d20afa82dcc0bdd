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

struct Client {
  Client(OwnedFd its_fd, std::unique_ptr<protocols::StreamHandler> handler)
      : fd(std::move(its_fd)), session(std::move(handler)) {}

  OwnedFd fd;
  protocols::Session session;
  std::int64_t lingers_until = 0;  // 0 while it talks.
};

/// The clients, and what poll() is asked about them: the n-th entry belongs to the n-th client.
struct Tables {
  std::unique_ptr<Client> clients[kMaxClients];
  pollfd polled[kMaxClients + 2];  // The last two in use are the listener and the stop descriptor.
};

class Server final {
 public:
  Server(int listener, int stop, protocols::Protocol protocol, Tables& tables)
      : listener_(listener), stop_(stop), protocol_(protocol), tables_(tables) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  void run();

 private:
  std::int64_t prepare_poll();
  void serve_clients();
  bool serve(Client& client, short ready) const;
  bool begin_linger(Client& client) const;
  void accept_clients();
  void admit(OwnedFd fd);

  const int listener_;
  const int stop_;
  const protocols::Protocol protocol_;
  Tables& tables_;
  std::size_t count_ = 0;
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

Server::~Server() {
  for (std::size_t i = 0; i < count_; ++i) {
    const Client& client = *tables_.clients[i];
    reset_if_unfinished(client.fd.get(), client.session);
  }
}

void Server::run() {
  while (true) {
    const std::int64_t deadline_ms = prepare_poll();
    if (::poll(tables_.polled, count_ + 2, timeout_until(deadline_ms)) < 0) {
      recover_from_wait_error();
      continue;  // revents say nothing.
    }
    if (tables_.polled[count_ + 1].revents != 0) return;
    const bool has_waiting = tables_.polled[count_].revents != 0;
    serve_clients();
    if (has_waiting) accept_clients();
  }
}

short wanted_events(Client& client) {
  const bool reads = client.lingers_until != 0 || !client.session.input_room().empty();
  const bool writes = !client.session.output().empty();
  return static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

/// Fills the array anew, and says when poll() has to return at the latest.
std::int64_t Server::prepare_poll() {
  std::int64_t deadline_ms = kNever;
  for (std::size_t i = 0; i < count_; ++i) {
    Client& client = *tables_.clients[i];
    tables_.polled[i] = {.fd = client.fd.get(), .events = wanted_events(client), .revents = 0};
    if (client.lingers_until != 0) deadline_ms = std::min(deadline_ms, client.lingers_until);
  }
  const bool is_paused = accept_again_at_ > now_ms();
  if (is_paused) deadline_ms = std::min(deadline_ms, accept_again_at_);
  const bool may_accept = count_ < kMaxClients && !is_paused;
  tables_.polled[count_] = {.fd = may_accept ? listener_ : -1, .events = POLLIN, .revents = 0};
  tables_.polled[count_ + 1] = {.fd = stop_, .events = POLLIN, .revents = 0};
  return deadline_ms;
}

void Server::serve_clients() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    std::unique_ptr<Client>& client = tables_.clients[i];
    if (serve(*client, tables_.polled[i].revents)) {
      std::swap(tables_.clients[kept++], client);
    } else {
      client.reset();
      accept_again_at_ = 0;
    }
  }
  count_ = kept;
}

/// Does what can be done without waiting. False when the client is done with, or lost.
bool Server::serve(Client& client, short ready) const {
  const int fd = client.fd.get();
  if (client.lingers_until != 0) {
    if (ready != 0 && discard_some(fd) == Io::lost) return false;
    return now_ms() < client.lingers_until;
  }
  if (ready == 0) return true;
  // POLLERR and POLLHUP come unasked; the next call tells what they mean.
  const bool may_read = (ready & ~POLLOUT) != 0;
  if (may_read && receive_some(fd, client.session) == Io::lost) return false;
  if (send_some(fd, client.session) == Io::lost) return false;
  return !client.session.is_finished() || begin_linger(client);
}

bool Server::begin_linger(Client& client) const {
  client.lingers_until = now_ms() + kLingerMs;
  return begin_lingering_close(client.fd.get(), client.session);
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptBatch && count_ < kMaxClients; ++i) {
    AcceptResult accepted = accept_client(listener_);
    if (accepted.outcome == Accepting::none) return;
    if (accepted.outcome == Accepting::starved) accept_again_at_ = now_ms() + kAcceptPauseMs;
    if (accepted.outcome == Accepting::starved) return;
    if (accepted.outcome == Accepting::accepted) admit(std::move(accepted.client));
  }
}

void Server::admit(OwnedFd fd) {
  auto handler = make_stream_handler(protocol_, unix_seconds());
  if (handler == nullptr) return;
  auto* client = new (std::nothrow) Client(std::move(fd), std::move(handler));
  if (client != nullptr) tables_.clients[count_++].reset(client);
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
