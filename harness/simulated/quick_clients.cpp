#include "harness/simulated/quick_clients.h"

#include <algorithm>

#include "harness/base/text.h"

namespace sockdrill {

namespace {

constexpr std::size_t kLongestMessage = 65'507;
constexpr std::size_t kPieceOfReading = std::size_t{64} * 1024;

}  // namespace

QuickClients::QuickClients(SimulatedClients& sockets, const Target& target, sim::Kernel& kernel,
                           QuickServer& server, QuickVerdict& verdict,
                           const QuickPlayerOptions& options)
    : sockets_(sockets),
      target_(target),
      kernel_(kernel),
      server_(server),
      verdict_(verdict),
      options_(options),
      is_echo_(target.speaks.style == Style::echo),
      has_messages_(keeps_boundaries(target.transport)),
      buffer_(kPieceOfReading, '\0') {}

void QuickClients::open(QuickClient& client, const SocketRequest& request) {
  if (client.is_open) sockets_.close(client.socket);
  const std::optional<std::uint16_t> port = client.last_port;
  client = QuickClient{
      .name = client.name, .last_port = port, .sent = {}, .messages = {}, .conversation = {}};
  const SysResult<SocketId> socket = sockets_.open(request);
  if (!socket) return;
  client.socket = *socket;
  client.is_open = true;
  client.came_as = ++came_;
  if (!is_echo_) client.conversation.emplace(target_.speaks, target_.transport);
}

void QuickClients::connect(QuickClient& client, const Connect& connect) {
  open(client, request_of(connect, client.last_port));
  if (!client.is_open) return;
  SysResult<void> made = sockets_.connect(client.socket, connect.to);
  if (!made && made.error().value == EAGAIN) {
    server_.rest();
    made = sockets_.connect(client.socket, connect.to);
  }
  Errno error = made ? Errno{} : made.error();
  if (error.value == EINPROGRESS) {
    const auto is_made = [&] {
      return std::ranges::any_of(sockets_.take_ready(),
                                 [&](const Ready& one) { return one.socket == client.socket; });
    };
    error = server_.await(is_made, kPatience) ? sockets_.error_of(client.socket) : Errno{ETIMEDOUT};
  }
  if (error.value != 0) {
    sockets_.close(client.socket);
    client.is_open = false;
    return;
  }
  client.last_port = sockets_.local_address(client.socket).port();
  if (!target_.speaks.greeting.empty()) read(client, UINT64_MAX);
}

QuickClient& QuickClients::of(const std::string& name) {
  QuickClient& client = clients_[name];
  if (client.name.empty()) client.name = name;
  return client;
}

void QuickClients::tell(const QuickClient& client, ClientOutcome outcome,
                        std::string_view octets) const {
  if (options_.on_outcome) options_.on_outcome(client.name, outcome, octets);
}

bool QuickClients::may_be_missing() const {
  return verdict_.may_lose || target_.transport == Transport::unix_dgram || has_dropped();
}

void QuickClients::take_in(QuickClient& client, std::string_view octets) {
  client.received += octets.size();
  tell(client, ClientOutcome::octets, octets);
  if (!client.is_comparable) return;
  if (is_echo_) return take_in_echo(client, octets);
  const auto wrong = client.conversation->note_received(octets, may_be_missing());
  if (!wrong) return;
  // What a fault has kept the server from doing, it may well say in its own words.
  client.is_comparable = !verdict_.may_lose;
  if (!verdict_.may_lose) verdict_.suspect("protocol", *wrong);
}

void QuickClients::take_in_echo(QuickClient& client, std::string_view octets) {
  if (has_messages_) {
    // Replies may be lost, but come in the order of the requests and as they are.
    while (may_be_missing() && !client.messages.empty() && client.messages.front() != octets)
      client.messages.pop_front();
    if (!client.messages.empty() && client.messages.front() == octets) {
      client.messages.pop_front();
      return;
    }
  } else if (client.sent.starts_with(octets)) {
    client.sent.erase(0, octets.size());
    return;
  }
  client.is_comparable = false;
  verdict_.suspect("protocol", "what came back is not what was sent (RFC 862)");
}

void QuickClients::receive(QuickClient& client, std::uint64_t most) {
  while (client.is_open && !client.has_ended && most > 0) {
    const SysResult<ReceivedPiece> piece =
        sockets_.receive(client.socket, buffer_.data(),
                         static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), most)));
    if (!piece) {
      client.has_ended = client.is_lost = piece.error().value != EAGAIN;
      if (client.is_lost) tell(client, ClientOutcome::error);
      return;
    }
    if (piece->is_end) {
      client.has_ended = true;
      tell(client, ClientOutcome::end);
      return;
    }
    take_in(client, std::string_view(buffer_).substr(0, piece->size));
    most -= std::min<std::uint64_t>(most, std::max<std::size_t>(piece->size, 1));
  }
}

/// What comes, as long as the server has anything more to send.
void QuickClients::read(QuickClient& client, std::uint64_t most) {
  std::uint64_t before = UINT64_MAX;
  const std::uint64_t began = client.received;
  // A source streams on for ever.
  const std::uint64_t bound = std::min<std::uint64_t>(most, std::uint64_t{1} << 22U);
  while (client.is_open && !client.has_ended && client.received - began < bound &&
         before != client.received) {
    before = client.received;
    server_.rest();
    receive(client, bound - (client.received - began));
  }
}

void QuickClients::note_sent(QuickClient& client, std::string_view octets) {
  octets_sent_ += octets.size();
  if (!client.is_comparable) return;
  // Of a record without octets nobody can tell it from the end (unix(7), recv(2)), and no buffer
  // needs to be larger than the largest datagram.
  const bool is_end_like = octets.empty() && target_.transport == Transport::unix_seqpacket;
  if (has_messages_ && (is_end_like || octets.size() > kLongestMessage))
    client.is_comparable = false;
  else if (!is_echo_)
    client.conversation->note_sent(octets);
  else if (has_messages_)
    client.messages.emplace_back(octets);
  else
    client.sent.append(octets);
}

bool QuickClients::send_part(QuickClient& client, const PlannedSend& send,
                             std::string_view octets) {
  std::string_view left = octets;
  while (!left.empty() || octets.empty()) {
    const SysResult<std::size_t> sent = !has_messages_
                                            ? sockets_.send(client.socket, left, send.urgent)
                                            : sockets_.send_to(client.socket, left, send.to);
    if (sent) {
      note_sent(client, left.substr(0, *sent));
      left.remove_prefix(*sent);
      if (octets.empty()) return true;
      continue;
    }
    if (sent.error().value != EAGAIN) return false;
    // Room comes when the server reads, and that may take our reading.
    const std::uint64_t before = client.received;
    server_.rest();
    if (send.reads_meanwhile) receive(client, UINT64_MAX);
    if (sockets_.may_be_ready() && !sockets_.take_ready().empty()) continue;
    if (client.received == before) return false;
  }
  return true;
}

void QuickClients::send(QuickClient& client, const PlannedSend& send) {
  // An urgent octet is no part of the stream (tcp(7)); what goes to a broadcast address, others may
  // answer, or nobody.
  if (send.urgent || !send.to.empty()) client.is_comparable = false;
  const Bytes octets = send.content.copy(0, static_cast<std::size_t>(send.content.size()));
  if (client.is_comparable && is_echo_ && !has_messages_)
    client.sent.reserve(client.sent.size() + octets.size());
  for (std::size_t i = 0; i < send.pieces(); ++i) {
    if (i > 0) server_.rest();
    const auto [begin, end] = send.piece(i);
    if (!send_part(client, send,
                   std::string_view(octets).substr(static_cast<std::size_t>(begin),
                                                   static_cast<std::size_t>(end - begin))))
      return;
  }
}

void QuickClients::end_output(QuickClient& client) {
  if (is_connected(target_.transport) && !client.has_shut_down)
    static_cast<void>(sockets_.shutdown(client.socket, Shutdown::How::write));
  client.has_shut_down = true;
}

void QuickClients::close(QuickClient& client, bool is_abrupt) {
  if (!client.is_open) return;
  if (!is_abrupt) {
    end_output(client);
    read(client, UINT64_MAX);
    look_for_loss(client);
  }
  sockets_.close(client.socket);
  client.is_open = false;
}

/// It has read all there is to read, and heard of no error: what it sent has come back, or has been
/// answered.
void QuickClients::look_for_loss(const QuickClient& client) {
  if (!client.is_comparable || client.is_lost || verdict_.may_lose || server_.is_stopped()) return;
  if (!is_echo_) return look_for_owed(client);
  // A server does not wait for a client that does not read its datagrams.
  if (has_messages_ && !client.messages.empty() && !may_be_missing())
    verdict_.suspect("protocol",
                     count_of(client.messages.size(), "message") + " never came back (RFC 862)");
  // A server that has ended the stream sends no more; of one that serves another client first,
  // nobody knows.
  if (!has_messages_ && client.has_ended && !client.sent.empty())
    verdict_.suspect("protocol", count_of(client.sent.size(), "byte") +
                                     " never came back before the end of the stream (RFC 862)");
}

bool QuickClients::is_anybody_there() const {
  return std::ranges::any_of(clients_, [](const auto& named) { return named.second.is_open; });
}

/// The same of replies to requests.
void QuickClients::look_for_owed(const QuickClient& client) {
  const std::size_t owed = client.conversation->owed();
  const bool is_over = has_messages_ ? !may_be_missing() : client.has_ended;
  if (owed > 0 && is_over)
    verdict_.suspect("protocol", (owed == 1 ? "a reply" : std::to_string(owed) + " replies") +
                                     " never came, and the server has nothing more to say");
}

void QuickClients::finish_all() {
  // A client that waits for its turn at an iterative server must not keep it from the others.
  std::vector<QuickClient*> leaving;
  for (auto& [name, client] : clients_) {
    if (client.is_open) leaving.push_back(&client);
  }
  std::ranges::sort(leaving, {}, &QuickClient::came_as);
  for (QuickClient* client : leaving) end_output(*client);
  for (QuickClient* client : leaving) close(*client, false);
  clients_.clear();
  sockets_.forget_numbers();
  server_.rest();
}

void QuickClients::act(const std::string& name, const PlannedAction& action) {
  QuickClient& client = of(name);
  if (const auto* connecting = std::get_if<Connect>(&action)) return connect(client, *connecting);
  if (const auto* opening = std::get_if<Open>(&action))
    return open(client, request_of(*opening, client.last_port));
  const auto* const sending = std::get_if<PlannedSend>(&action);
  // A datagram client needs no step to be there.
  if (sending != nullptr && !client.is_open && !is_connected(target_.transport))
    open(client, SocketRequest{});
  if (!client.is_open) return;
  if (sending != nullptr) {
    send(client, *sending);
  } else if (const auto* shutting = std::get_if<Shutdown>(&action)) {
    static_cast<void>(sockets_.shutdown(client.socket, shutting->how));
    if (shutting->how != Shutdown::How::read) client.has_shut_down = true;
    if (shutting->how != Shutdown::How::write) client.is_comparable = false;
  } else if (const auto* closing = std::get_if<Close>(&action)) {
    close(client, closing->at_once);
  } else if (std::holds_alternative<Reset>(action)) {
    sockets_.reset(client.socket);
    client.is_open = false;
  } else if (const auto* reading = std::get_if<Read>(&action)) {
    read(client, reading->bytes);
  } else if (std::holds_alternative<Drain>(action) ||
             std::holds_alternative<PlannedExpect>(action)) {
    read(client, UINT64_MAX);
  }
}

}  // namespace sockdrill
