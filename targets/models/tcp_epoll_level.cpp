// One thread, epoll, level-triggered: the kernel keeps the list of descriptors and names those that
// are ready, again and again until they no longer are.
//
// A connection costs a descriptor, an entry in the kernel's list and its session (two buffers of 16
// KiB, of which an idle client touches nothing); a wakeup costs as much as there are ready clients,
// however many are idle. The price is that the conversation becomes a state machine: nothing may
// wait anywhere.
//
// Easy to get wrong: leaving EPOLLOUT on with nothing to send, or EPOLLIN with no room, or
// EPOLLRDHUP after the end of the input, each of which reports for ever and spins; ignoring
// EPOLLERR and EPOLLHUP, which are reported unasked; watching the listener while no descriptor is
// free; freeing a client that a later event of the same batch still points to (here each descriptor
// is registered once, so it is in a batch once, and an event closes nobody but its own client).

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <memory>
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

struct Client {
  Client(OwnedFd its_fd, std::unique_ptr<protocols::StreamHandler> handler)
      : fd(std::move(its_fd)), session(std::move(handler)) {}

  OwnedFd fd;
  protocols::Session session;
  Link<Client> link{this};         // Among the talking or among the lingering.
  std::uint32_t watched = 0;       // What epoll reports of it.
  std::int64_t lingers_until = 0;  // 0 while it talks.
};

class Server final {
 public:
  Server(const OwnedFd& epoll, const OwnedFd& listener, protocols::Protocol protocol)
      : epoll_(epoll.get()), listener_(listener.get()), protocol_(protocol) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// False if the descriptor could not be watched.
  bool start(const OwnedFd& stop);
  void run();

 private:
  bool watch(int operation, int fd, std::uint32_t events, void* whose) const;
  void accept_clients();
  void admit(OwnedFd fd);
  void close(Client* client);
  void handle(Client& client, std::uint32_t events);
  bool proceed(Client& client, std::uint32_t events);
  bool begin_linger(Client& client);
  bool watch_wanted(Client& client) const;
  void watch_listener();
  void expire();
  [[nodiscard]] std::int64_t next_deadline() const;

  const int epoll_;
  const int listener_;
  const protocols::Protocol protocol_;
  Link<Client> talking_;
  Link<Client> lingering_;  // All linger equally long, so the first to come is the first to go.
  int clients_ = 0;
  bool is_listening_ = false;
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
  bool stops_ = false;
};

Server::~Server() {
  while (Client* client = talking_.first()) {
    reset_if_unfinished(client->fd.get(), client->session);
    delete client;
  }
  while (Client* client = lingering_.first()) delete client;
}

bool Server::watch(int operation, int fd, std::uint32_t events, void* whose) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = whose;
  return ::epoll_ctl(epoll_, operation, fd, &event) == 0;
}

bool Server::start(const OwnedFd& stop) {
  return watch(EPOLL_CTL_ADD, stop.get(), EPOLLIN, &stops_) &&
         watch(EPOLL_CTL_ADD, listener_, 0, this);
}

void Server::run() {
  std::array<epoll_event, 128> events{};
  while (!stops_) {
    watch_listener();
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   timeout_until(next_deadline()));
    if (count < 0) recover_from_wait_error();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == &stops_) {
        stops_ = true;
      } else if (event.data.ptr == this) {
        accept_clients();
      } else {
        handle(*static_cast<Client*>(event.data.ptr), event.events);
      }
    }
    expire();  // After the events: who was suspended for long finds his clients' FINs first.
  }
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptBatch && clients_ < kMaxClients; ++i) {
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
  auto* client = new (std::nothrow) Client(std::move(fd), std::move(handler));
  if (client == nullptr) return;
  client->link.join(talking_);
  ++clients_;
  handle(*client, 0);  // Some protocols speak first.
}

void Server::close(Client* client) {
  delete client;  // Closing the descriptor takes it out of epoll: nobody else has it.
  --clients_;
  accept_again_at_ = 0;
}

void Server::handle(Client& client, std::uint32_t events) {
  if (!proceed(client, events) || !watch_wanted(client)) close(&client);
}

/// Does what can be done without waiting. False when the client is done with, or lost.
bool Server::proceed(Client& client, std::uint32_t events) {
  const int fd = client.fd.get();
  if (client.lingers_until != 0) return discard_some(fd) != Io::lost;
  // EPOLLERR and EPOLLHUP come unasked; the next call tells what they mean. One recv() a turn: the
  // event comes again if there is more, after the others had theirs.
  const bool may_read = (events & ~std::uint32_t{EPOLLOUT}) != 0;
  if (may_read && receive_some(fd, client.session) == Io::lost) return false;
  if (send_some(fd, client.session) == Io::lost) return false;
  return !client.session.is_finished() || begin_linger(client);
}

bool Server::begin_linger(Client& client) {
  if (!begin_lingering_close(client.fd.get(), client.session)) return false;
  client.lingers_until = now_ms() + kLingerMs;
  client.link.join(lingering_);
  return true;
}

bool Server::watch_wanted(Client& client) const {
  const bool reads = client.lingers_until != 0 || !client.session.input_room().empty();
  const bool writes = !client.session.output().empty();
  const std::uint32_t wanted = (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
  if (wanted == client.watched) return true;
  // A client that lives always waits for something, so 0 means: not registered yet.
  const int operation = client.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  client.watched = wanted;
  return watch(operation, client.fd.get(), wanted, &client);
}

void Server::watch_listener() {
  if (accept_again_at_ <= now_ms()) accept_again_at_ = 0;
  const bool may_accept = clients_ < kMaxClients && accept_again_at_ == 0;
  if (may_accept == is_listening_) return;
  const std::uint32_t wanted = may_accept ? EPOLLIN : 0U;
  if (watch(EPOLL_CTL_MOD, listener_, wanted, this)) {
    is_listening_ = may_accept;
  } else {
    accept_again_at_ = now_ms() + kAcceptPauseMs;  // Not now; but we must come back to it.
  }
}

void Server::expire() {
  const std::int64_t now = now_ms();
  for (Client* c = lingering_.first(); c != nullptr && c->lingers_until <= now;) {
    close(c);
    c = lingering_.first();
  }
}

std::int64_t Server::next_deadline() const {
  const Client* first = lingering_.first();
  const std::int64_t linger = first != nullptr ? first->lingers_until : kNever;
  return accept_again_at_ != 0 ? std::min(linger, accept_again_at_) : linger;
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
  Server server(epoll, listener, options.protocol);
  if (!server.start(stop)) return fail("epoll_ctl");
  announce(name_of(listener.get()));
  server.run();
  return 0;
}
