#include "harness/play/client_sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>

#include "harness/base/check.h"
#include "harness/play/end_connection.h"

namespace sockdrill {

namespace {

SysResult<void> set_option(Fd fd, int level, int name, int value) {
  if (::setsockopt(raw(fd), level, name, &value, sizeof(value)) != 0) return fail(last_errno());
  return {};
}

std::uint64_t inode_of(Fd fd) {
  struct stat status {};
  return ::fstat(raw(fd), &status) == 0 ? status.st_ino : 0;
}

SocketAddress name_of_socket(Fd fd, decltype(&::getsockname) which) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  if (which(raw(fd), address.get(), &address.length) != 0) address.length = 0;
  return address;
}

}  // namespace

ClientSocket& ClientSockets::of(SocketId socket) {
  const auto found = index_.find(socket);
  SOCKDRILL_CHECK(found != index_.end(), "a socket that is not open");
  return sockets_[found->second];
}

SysResult<SocketId> ClientSockets::open(const SocketRequest& request) {
  SysResult<OwnedFd> made = stage_.socket(domain_of(server_), socket_type(server_.transport), 0);
  if (!made) return fail(made.error());
  if (const SysResult<void> prepared = prepare(made->get(), request); !prepared)
    return fail(prepared.error());
  const SocketId id{next_id_++};
  epoll_event event = watch_for(id);
  if (::epoll_ctl(raw(epoll_), EPOLL_CTL_ADD, made->raw(), &event) != 0) return fail(last_errno());
  index_[id] = sockets_.size();
  sockets_.push_back(ClientSocket{
      .transport = server_.transport, .fd = made->get(), .inode = inode_of(made->get())});
  sockets_.back().local = name_of_socket(made->get(), &::getsockname);
  fds_[id] = std::move(*made);
  return id;
}

SysResult<void> ClientSockets::prepare(Fd fd, const SocketRequest& request) const {
  // Before connect(2): the window scale is chosen from it (tcp(7), tcp_rmem).
  if (request.receive_buffer)
    static_cast<void>(
        set_option(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(*request.receive_buffer)));
  if (request.send_buffer)
    static_cast<void>(
        set_option(fd, SOL_SOCKET, SO_SNDBUF, static_cast<int>(*request.send_buffer)));
  if (keeps_boundaries(server_.transport)) {
    // As large as we are allowed to: what our own kernel drops must not look like the server's
    // loss.
    if (!request.receive_buffer) static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, 4 << 20));
    if (!request.send_buffer) static_cast<void>(set_option(fd, SOL_SOCKET, SO_SNDBUF, 1 << 20));
  }
  // A piece leaves when it is sent, not when an acknowledgement is there (tcp(7), TCP_NODELAY).
  if (server_.transport == Transport::tcp)
    static_cast<void>(set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1));
  if (request.broadcast) {
    if (const auto set = set_option(fd, SOL_SOCKET, SO_BROADCAST, 1); !set) return set;
  }
  if (server_.transport == Transport::unix_dgram && !request.is_unnamed) {
    // Autobind (unix(7)): without a name there is nowhere to send the reply to.
    sockaddr_un family_only{};
    family_only.sun_family = AF_UNIX;
    if (::bind(raw(fd), static_cast<const sockaddr*>(static_cast<const void*>(&family_only)),
               sizeof(sa_family_t)) != 0)
      return fail(last_errno());
  }
  if (request.from_address.empty() && !request.from_port) return {};
  const Result<SocketAddress> from = address_to_bind(server_, request);
  if (!from) return fail(Errno{EINVAL});
  // A client that takes its old port again must not be refused for a TIME_WAIT of its own.
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
  if (::bind(raw(fd), from->get(), from->length) != 0) return fail(last_errno());
  return {};
}

SysResult<void> ClientSockets::connect(SocketId socket, const std::string& to) {
  ClientSocket& client = of(socket);
  const Result<SocketAddress> address = address_of(server_, to);
  if (!address) return fail(Errno{EINVAL});
  client.remote = *address;
  const int result = ::connect(raw(client.fd), address->get(), address->length);
  const Errno error = result == 0 ? Errno{} : last_errno();
  client.local = name_of_socket(client.fd, &::getsockname);
  client.established = result == 0;
  if (result != 0) return fail(error);
  return {};
}

SysResult<std::size_t> ClientSockets::send(SocketId socket, std::string_view octets, bool urgent) {
  ClientSocket& client = of(socket);
  const ssize_t sent = ::send(raw(client.fd), octets.data(), octets.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT | (urgent ? MSG_OOB : 0));
  if (sent < 0) return fail(last_errno());
  client.sent_bytes += static_cast<std::uint64_t>(sent);
  client.sent_messages += 1;
  if (sent > 0) client.ends_urgent = urgent;
  return static_cast<std::size_t>(sent);
}

SysResult<std::size_t> ClientSockets::send_to(SocketId socket, std::string_view octets,
                                              const std::string& to) {
  ClientSocket& client = of(socket);
  if (client.established && to.empty()) return send(socket, octets, false);
  const Result<SocketAddress> address = address_of(server_, to);
  if (!address) return fail(Errno{EINVAL});
  const ssize_t sent = ::sendto(raw(client.fd), octets.data(), octets.size(),
                                MSG_NOSIGNAL | MSG_DONTWAIT, address->get(), address->length);
  if (sent < 0) return fail(last_errno());
  if (client.local.port() == 0) client.local = name_of_socket(client.fd, &::getsockname);
  client.sent_bytes += static_cast<std::uint64_t>(sent);
  client.sent_messages += 1;
  return static_cast<std::size_t>(sent);
}

SysResult<ReceivedPiece> ClientSockets::receive(SocketId socket, char* buffer, std::size_t size) {
  const ClientSocket& client = of(socket);
  ReceivedPiece piece;
  iovec part{.iov_base = buffer, .iov_len = size};
  msghdr message{};
  message.msg_name = piece.from.get();
  message.msg_namelen = sizeof(piece.from.storage);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t received = ::recvmsg(raw(client.fd), &message, MSG_DONTWAIT);
  if (received < 0) return fail(last_errno());
  piece.from.length = message.msg_namelen;
  piece.size = static_cast<std::size_t>(received);
  piece.is_end = received == 0 && is_connected(client.transport) && size > 0;
  if (piece.is_end && client.transport == Transport::unix_seqpacket) {
    // An empty record and the end look alike; only the end has an end of record missing (recv(2),
    // MSG_EOR).
    piece.is_end = (message.msg_flags & MSG_EOR) == 0;
  }
  return piece;
}

SysResult<void> ClientSockets::shutdown(SocketId socket, Shutdown::How how) {
  ClientSocket& client = of(socket);
  if (::shutdown(raw(client.fd), direction_of(how)) != 0) return fail(last_errno());
  if (how != Shutdown::How::read) client.fin_sent = true;
  return {};
}

void ClientSockets::end(SocketId socket, bool is_abortive) {
  ClientSocket& client = of(socket);
  const bool is_tcp = client.transport == Transport::tcp;
  client.reset_sent = is_abortive && is_tcp;
  client.fin_sent = !client.reset_sent;
  if (is_tcp) end_connection(client.fd, is_abortive);
  client.fd = kNoFd;
  fds_.erase(socket);
  index_.erase(socket);
}

Errno ClientSockets::error_of(SocketId socket) {
  ClientSocket& client = of(socket);
  int error = 0;
  socklen_t length = sizeof(error);
  static_cast<void>(::getsockopt(raw(client.fd), SOL_SOCKET, SO_ERROR, &error, &length));
  if (error == 0) client.established = true;
  client.local = name_of_socket(client.fd, &::getsockname);
  return Errno{error};
}

void ClientSockets::forget_closed() {
  std::vector<ClientSocket> kept;
  std::map<std::size_t, std::size_t> moved;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].fd == kNoFd) continue;
    moved[i] = kept.size();
    kept.push_back(sockets_[i]);
  }
  if (kept.size() == sockets_.size()) return;
  for (auto& [id, index] : index_) index = moved.at(index);
  sockets_ = std::move(kept);
}

}  // namespace sockdrill
