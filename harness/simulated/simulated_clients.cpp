#include "harness/simulated/simulated_clients.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>

#include "harness/base/check.h"

namespace sockdrill {

namespace {

/// No call of a client's waits: its sockets are non-blocking.
template <typename T>
SysResult<T> answer_of(const sim::Outcome<T>& outcome) {
  if (outcome) {
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return *outcome;
  }
  return fail(outcome.error().must_wait() ? Errno{EAGAIN} : outcome.error().error);
}

/// What it is bound to by now.
void note_name(SimulatedClient& client) {
  if (const auto name = client.socket->name(); name) client.local = *name;
}

void set_number(sim::Socket& socket, int name, int value) {
  static_cast<void>(socket.set_option(SOL_SOCKET, name, &value, sizeof(value)));  // never refused
}

}  // namespace

SimulatedClients::SimulatedClients(sim::Process& process, ServerAddress server)
    : process_(process),
      server_(std::move(server)),
      epoll_(sim::make_ref<sim::EpollFile>(process.kernel)) {}

SimulatedClient& SimulatedClients::of(SocketId socket) {
  const auto found = clients_.find(socket);
  SOCKDRILL_CHECK(found != clients_.end(), "a socket that is not open");
  return found->second;
}

SimulatedClients::~SimulatedClients() {
  while (!clients_.empty()) end(clients_.begin()->first, true);
}

SysResult<SocketId> SimulatedClients::open(const SocketRequest& request) {
  const sim::Outcome<int> fd = sim::create_socket(
      process_, domain_of(server_), socket_type(server_.transport) | SOCK_NONBLOCK, 0);
  if (!fd) return fail(fd.error().error);
  // The descriptor is not needed: the socket is held by what we have of it.
  const sim::Outcome<sim::Ref<sim::File>> file = process_.descriptors.take(*fd);
  SimulatedClient client{.socket = sim::Ref<sim::Socket>((*file)->as_socket()), .local = {}};
  if (const SysResult<void> prepared = prepare(*client.socket, request); !prepared)
    return fail(prepared.error());
  const SocketId id{next_id_++};
  const epoll_event event = watch_for(id);
  static_cast<void>(epoll_->add(*client.socket, static_cast<int>(id), event));  // it is new
  note_name(client);
  clients_.emplace(id, std::move(client));
  return id;
}

SysResult<void> SimulatedClients::prepare(sim::Socket& socket, const SocketRequest& request) {
  const auto number = [](std::uint32_t size) { return static_cast<int>(size); };
  if (request.receive_buffer) set_number(socket, SO_RCVBUF, number(*request.receive_buffer));
  if (request.send_buffer) set_number(socket, SO_SNDBUF, number(*request.send_buffer));
  if (keeps_boundaries(server_.transport)) {
    // As large as those of the real world's clients.
    if (!request.receive_buffer) set_number(socket, SO_RCVBUF, 4 << 20);
    if (!request.send_buffer) set_number(socket, SO_SNDBUF, 1 << 20);
  }
  if (request.broadcast) set_number(socket, SO_BROADCAST, 1);
  if (server_.transport == Transport::unix_dgram && !request.is_unnamed) {
    sockaddr_un family_only{};
    family_only.sun_family = AF_UNIX;
    const auto bound = answer_of(
        socket.bind(process_, static_cast<const sockaddr*>(static_cast<const void*>(&family_only)),
                    sizeof(sa_family_t)));
    if (!bound) return bound;
  }
  if (request.from_address.empty() && !request.from_port) return {};
  const Result<SocketAddress> from = address_to_bind(server_, request);
  if (!from) return fail(Errno{EINVAL});
  set_number(socket, SO_REUSEADDR, 1);
  return answer_of(socket.bind(process_, from->get(), from->length));
}

SysResult<void> SimulatedClients::connect(SocketId socket, const std::string& to) {
  SimulatedClient& client = of(socket);
  const Result<SocketAddress> address = address_of(server_, to);
  if (!address) return fail(Errno{EINVAL});
  sim::Call call;
  const auto connected =
      answer_of(client.socket->connect(process_, address->get(), address->length, call));
  note_name(client);
  client.is_established = connected.has_value();
  return connected;
}

SysResult<std::size_t> SimulatedClients::send_message(SimulatedClient& client,
                                                      std::string_view octets, int flags,
                                                      const SocketAddress* to) {
  iovec part{.iov_base = const_cast<char*>(octets.data()), .iov_len = octets.size()};
  msghdr message{};
  SocketAddress address;
  if (to != nullptr) {
    address = *to;
    message.msg_name = address.get();
    message.msg_namelen = address.length;
  }
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  sim::Call call;
  const auto sent =
      answer_of(client.socket->send(process_, message, MSG_NOSIGNAL | MSG_DONTWAIT | flags, call));
  if (sent) client.sent_bytes += *sent;
  return sent;
}

SysResult<std::size_t> SimulatedClients::send(SocketId socket, std::string_view octets,
                                              bool urgent) {
  return send_message(of(socket), octets, urgent ? MSG_OOB : 0, nullptr);
}

SysResult<std::size_t> SimulatedClients::send_to(SocketId socket, std::string_view octets,
                                                 const std::string& to) {
  SimulatedClient& client = of(socket);
  if (client.is_established && to.empty()) return send(socket, octets, false);
  const Result<SocketAddress> address = address_of(server_, to);
  if (!address) return fail(Errno{EINVAL});
  const auto sent = send_message(client, octets, 0, &*address);
  if (sent) note_name(client);
  return sent;
}

SysResult<ReceivedPiece> SimulatedClients::receive(SocketId socket, char* buffer,
                                                   std::size_t size) {
  SimulatedClient& client = of(socket);
  ReceivedPiece piece;
  iovec part{.iov_base = buffer, .iov_len = size};
  msghdr message{};
  message.msg_name = piece.from.get();
  message.msg_namelen = sizeof(piece.from.storage);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  sim::Call call;
  const auto received = answer_of(client.socket->receive(process_, message, MSG_DONTWAIT, call));
  if (!received) return fail(received.error());
  piece.from.length = message.msg_namelen;
  piece.size = *received;
  piece.is_end = *received == 0 && is_connected(server_.transport) && size > 0;
  if (piece.is_end && server_.transport == Transport::unix_seqpacket)
    piece.is_end = (message.msg_flags & MSG_EOR) == 0;
  return piece;
}

SysResult<void> SimulatedClients::shutdown(SocketId socket, Shutdown::How how) {
  return answer_of(of(socket).socket->shutdown(direction_of(how)));
}

void SimulatedClients::end(SocketId socket, bool is_abortive) {
  sim::Socket& closed = *of(socket).socket;
  if (is_abortive && server_.transport == Transport::tcp) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    static_cast<void>(closed.set_option(SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
  }
  clients_.erase(socket);  // the last reference closes it
}

void SimulatedClients::forget_numbers() {
  SOCKDRILL_CHECK(clients_.empty(), "all sockets are closed");
  next_id_ = 1;
}

Errno SimulatedClients::error_of(SocketId socket) {
  SimulatedClient& client = of(socket);
  const Errno error{client.socket->take_error()};
  if (error.value == 0) client.is_established = true;
  note_name(client);
  return error;
}

std::vector<Ready> SimulatedClients::take_ready() {
  std::vector<Ready> ready;
  std::array<epoll_event, 256> events;  // NOLINT: collect() says how many it has written
  const int count = epoll_->collect(process_, events);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    ready.push_back(ready_of(event));
  }
  return ready;
}

}  // namespace sockdrill
