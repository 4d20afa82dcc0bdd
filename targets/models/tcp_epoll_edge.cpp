// One thread, epoll, edge-triggered: the kernel tells each change once, and the server remembers.
//
// A connection costs what it costs with level-triggered epoll, and two flags: what is known to be
// readable, what is known to be writable. In return each descriptor is registered once and never
// changed: no epoll_ctl() when a client becomes slow or fast. A system call saved a turn is the
// whole gain.
//
// Easy to get wrong: stopping before EAGAIN (the rest then lies there for ever; a short read is no
// sign of the end either, it may be the urgent mark); reading one client to EAGAIN in one go, which
// lets a flooding client starve all others. Here a turn is one recv() and one send(), and who can
// go on joins the end of the line. Further: accepting one connection an edge; forgetting that the
// edge was seen when there was no room, or no free descriptor; blocking sockets; acting on an event
// of a client that an earlier event of the same batch freed (here events only set flags, and
// clients are freed afterwards).

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
  bool is_readable = true;         // Until recv() says EAGAIN,
  bool is_writable = true;         // until send() does.
  std::int64_t lingers_until = 0;  // 0 while it talks.
  Link<Client> line{this};         // Among those who can go on without waiting.
  Link<Client> group{this};        // Among the talking or among the lingering.
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
  bool watch(int fd, std::uint32_t events, void* whose) const;
  void note(const epoll_event& event);
  void accept_clients();
  void admit(OwnedFd fd);
  void close(Client* client);
  void serve_line();
  void take_turn(Client& client);
  bool proceed(Client& client);
  static bool linger_on(Client& client);
  bool begin_linger(Client& client);
  void expire();
  [[nodiscard]] bool may_accept() const;
  [[nodiscard]] std::int64_t next_deadline() const;

  const int epoll_;
  const int listener_;
  const protocols::Protocol protocol_;
  Link<Client> line_;
  Link<Client> talking_;
  Link<Client> lingering_;  // All linger equally long, so the first to come is the first to go.
  int clients_ = 0;
  bool has_waiting_ = true;           // Until accept() says EAGAIN.
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

bool Server::watch(int fd, std::uint32_t events, void* whose) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = whose;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Server::start(const OwnedFd& stop) {
  return watch(stop.get(), EPOLLIN, &stops_) && watch(listener_, EPOLLIN | EPOLLET, this);
}

void Server::run() {
  std::array<epoll_event, 128> events{};
  while (!stops_) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   timeout_until(next_deadline()));
    if (count < 0) recover_from_wait_error();
    for (int i = 0; i < count; ++i) note(events[static_cast<std::size_t>(i)]);
    if (may_accept()) accept_clients();
    serve_line();
    expire();
  }
}

/// Remembers what will not be told again.
void Server::note(const epoll_event& event) {
  if (event.data.ptr == &stops_) {
    stops_ = true;
  } else if (event.data.ptr == this) {
    has_waiting_ = true;
  } else {
    auto& client = *static_cast<Client*>(event.data.ptr);
    // After a failure both calls return at once, and say which failure it was.
    const bool has_failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    client.is_readable |= has_failed || (event.events & EPOLLIN) != 0;
    client.is_writable |= has_failed || (event.events & EPOLLOUT) != 0;
    if (!client.line.is_linked()) client.line.join(line_);
  }
}

bool Server::may_accept() const {
  return has_waiting_ && clients_ < kMaxClients && accept_again_at_ <= now_ms();
}

void Server::accept_clients() {
  accept_again_at_ = 0;
  for (int i = 0; i < kAcceptBatch && clients_ < kMaxClients; ++i) {
    AcceptResult accepted = accept_client(listener_);
    switch (accepted.outcome) {
      case Accepting::accepted:
        admit(std::move(accepted.client));
        break;
      case Accepting::retry:
        break;
      case Accepting::none:
        has_waiting_ = false;
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
  // Registered before the first recv(): an edge between the two would be lost.
  if (!watch(client->fd.get(), EPOLLIN | EPOLLOUT | EPOLLET, client.get())) return;
  client->group.join(talking_);
  client->line.join(line_);
  static_cast<void>(client.release());  // The list has it now.
  ++clients_;
}

void Server::close(Client* client) {
  delete client;  // Leaves the lists, and epoll: nobody else has the descriptor.
  --clients_;
  accept_again_at_ = 0;
}

/// One turn for each who stands in line now.
void Server::serve_line() {
  const Client* last = line_.previous->owner;
  for (bool is_last = last == nullptr; !is_last;) {
    Client* client = line_.first();
    is_last = client == last;
    take_turn(*client);
  }
}

void Server::take_turn(Client& client) {
  const bool lingers = client.lingers_until != 0;
  if (!(lingers ? linger_on(client) : proceed(client))) return close(&client);
  const bool reads = client.lingers_until != 0 || !client.session.input_room().empty();
  const bool writes = !client.session.output().empty();
  const bool goes_on = (reads && client.is_readable) || (writes && client.is_writable);
  if (goes_on) {
    client.line.join(line_);
  } else {
    client.line.leave();
  }
}

/// One recv() and one send() at most. False when the client is done with, or lost.
bool Server::proceed(Client& client) {
  const int fd = client.fd.get();
  if (client.is_readable && !client.session.input_room().empty()) {
    const Io received = receive_some(fd, client.session);
    if (received == Io::lost) return false;
    client.is_readable = received == Io::moved;
  }
  if (client.is_writable && !client.session.output().empty()) {
    const Io sent = send_some(fd, client.session);
    if (sent == Io::lost) return false;
    client.is_writable = sent == Io::moved;
  }
  return !client.session.is_finished() || begin_linger(client);
}

bool Server::linger_on(Client& client) {
  const Io discarded = discard_some(client.fd.get());
  client.is_readable = discarded == Io::moved;
  return discarded != Io::lost;
}

bool Server::begin_linger(Client& client) {
  if (!begin_lingering_close(client.fd.get(), client.session)) return false;
  client.lingers_until = now_ms() + kLingerMs;
  client.group.join(lingering_);
  return true;
}

void Server::expire() {
  const std::int64_t now = now_ms();
  while (Client* client = lingering_.first()) {
    if (client->lingers_until > now) return;
    close(client);
  }
}

std::int64_t Server::next_deadline() const {
  if (line_.is_linked() || may_accept()) return 0;
  const Client* first = lingering_.first();
  const std::int64_t linger = first != nullptr ? first->lingers_until : kNever;
  const bool waits_for_resources = has_waiting_ && accept_again_at_ != 0 && clients_ < kMaxClients;
  return waits_for_resources ? std::min(linger, accept_again_at_) : linger;
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
