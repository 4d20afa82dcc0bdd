#include "harness/record/relay.h"

#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

#include "harness/play/end_connection.h"

namespace sockdrill {

namespace {

bool has_come(short events, int wanted) { return (events & wanted) != 0; }

}  // namespace

Relay::Relay(OwnedFd client, Connecting server, std::size_t& next_connection,
             const ProxyOptions& options, ProxyObserver& observer)
    : next_connection_(next_connection),
      options_(options),
      observer_(observer),
      client_{.socket = std::move(client), .waiting = {}},
      server_{.socket = std::move(server.socket), .waiting = {}} {
  if (server.state.value != EINPROGRESS) finish_connect(server.state);
}

void Relay::add_to(SocketPoll& sockets) {
  if (is_connecting_) {
    server_.place = sockets.add(server_.socket.get(), POLLOUT);
    return;
  }
  add_side(sockets, server_, client_);
  add_side(sockets, client_, server_);
}

void Relay::add_side(SocketPoll& sockets, Side& side, const Side& other) {
  short events = 0;
  if (!side.has_ended && other.waiting.empty()) events |= POLLIN;
  if (!side.waiting.empty()) events |= POLLOUT;
  // A reset behind the end of a stream is told by poll() alone. AF_UNIX has none; there a peer that
  // has closed would be told of for ever.
  const bool may_reset = side.has_ended && !side.knows_end && options_.transport == Transport::tcp;
  side.place = sockets.add(side.socket.get(), events, may_reset);
}

void Relay::serve(const SocketPoll& sockets) {
  if (is_connecting_) {
    if (sockets.came(server_.place) != 0) finish_connect(take_error(server_.socket.get()));
    return;
  }
  const short from_client = sockets.came(client_.place);
  // What the server has said already is no answer to what its client is about to say.
  serve_side(server_, client_, sockets.came(server_.place));
  if (!is_over_) serve_side(client_, server_, from_client);
}

void Relay::finish_connect(Errno error) {
  is_connecting_ = false;
  // A server that resets whom it has accepted was there: one that is not refuses (RFC
  // 9293 3.10.7.3). The kernel has told of the reset now, and will call it an end.
  const bool is_reset = error.value == ECONNRESET || error.value == EPIPE;
  server_.takes_nothing = is_reset;
  if (error.value == 0 || is_reset) {
    connection_ = next_connection_++;
    return observer_.saw({SessionEvent::Kind::connected, connection_, {}});
  }
  observer_.note(fmt::format("a client is turned away and left out: {} cannot be connected to: {}",
                             to_string(options_.to), describe(error)));
  if (options_.transport == Transport::tcp) end_connection(client_.socket.get(), true);
  finish();
}

void Relay::serve_side(Side& side, Side& other, short came) {
  if (has_come(came, POLLOUT)) write_to(side);
  if (side.has_ended && has_come(came, POLLERR | POLLHUP)) return reset(side, other);
  const bool may_read = !side.has_ended && other.waiting.empty();
  if (may_read && has_come(came, POLLIN | POLLERR | POLLHUP)) read_from(side, other);
  if (!is_over_) pass_ends_on();
}

void Relay::read_from(Side& side, Side& other) {
  Bytes octets(kLargestRead, '\0');
  const ssize_t read = ::recv(side.socket.raw(), octets.data(), octets.size(), MSG_DONTWAIT);
  if (read < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // The kernel tells of an error once: a write may have been told of it, and then the end is none.
  if (read < 0 || (read == 0 && side.takes_nothing)) return reset(side, other);
  if (read == 0) {
    side.has_ended = true;
    return tell(SessionEvent::Kind::client_ended, SessionEvent::Kind::server_ended, side);
  }
  octets.resize(static_cast<std::size_t>(read));
  tell(SessionEvent::Kind::client_sent, SessionEvent::Kind::server_sent, side, octets);
  if (other.takes_nothing) return;
  other.waiting = std::move(octets);
  write_to(other);
}

void Relay::write_to(Side& side) {
  while (!side.waiting.empty()) {
    const ssize_t written = ::send(side.socket.raw(), side.waiting.data(), side.waiting.size(),
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) {
      side.takes_nothing = true;
      side.waiting.clear();
      return;
    }
    side.waiting.erase(0, static_cast<std::size_t>(written));
  }
}

void Relay::pass_ends_on() {
  // A write has found out that such a side is gone, and nothing of it is left to be read.
  if (client_.has_ended && client_.takes_nothing) return reset(client_, server_);
  if (server_.has_ended && server_.takes_nothing) return reset(server_, client_);
  pass_end_on(client_, server_);
  pass_end_on(server_, client_);
  if (client_.knows_end && server_.knows_end) finish();
}

/// The end of `other`, to `side`, once it has all that came before.
void Relay::pass_end_on(Side& side, const Side& other) {
  if (!other.has_ended || !side.waiting.empty() || side.knows_end) return;
  side.knows_end = true;
  static_cast<void>(::shutdown(side.socket.raw(), SHUT_WR));  // a peer that has gone knows it
}

void Relay::reset(Side& side, Side& other) {
  tell(SessionEvent::Kind::client_reset, SessionEvent::Kind::server_reset, side);
  if (options_.transport == Transport::tcp) end_connection(other.socket.get(), true);
  finish();
}

void Relay::tell(SessionEvent::Kind of_client, SessionEvent::Kind of_server, const Side& side,
                 Bytes octets) {
  observer_.saw({&side == &client_ ? of_client : of_server, connection_, std::move(octets)});
}

void Relay::finish() {
  is_over_ = true;
  client_.socket.reset();
  server_.socket.reset();
}

}  // namespace sockdrill
