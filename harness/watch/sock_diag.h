#pragma once

// sock_diag(7): the kernel's list of sockets as plain structs.
//
// Parsing is pure (bytes in, structs out) and takes nothing for granted: what is truncated or not
// understood is left out. DiagSocket does the asking. A dump is no snapshot: each socket is read at
// a moment of its own, and within one TCP socket `unread` is read before the counters of TCP_INFO.
// Whoever needs "received and still unread" must therefore ask twice (see Watcher).

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/address.h"
#include "harness/base/fd.h"
#include "harness/base/result.h"

namespace sockdrill {

/// The states of include/net/tcp_states.h; datagram sockets have `established` (connected) and
/// `close`.
enum class SocketState : std::uint8_t {
  unknown = 0,
  established = 1,
  syn_sent = 2,
  syn_recv = 3,
  fin_wait1 = 4,
  fin_wait2 = 5,
  time_wait = 6,
  close = 7,
  close_wait = 8,
  last_ack = 9,
  listen = 10,
  closing = 11,
};
/// "ESTABLISHED", as netstat prints it.
std::string to_string(SocketState state);

/// An address and a port. IPv4 is kept v4-mapped, so that both ends of a connection to a dual-stack
/// socket look alike.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};
/// Of AF_INET or AF_INET6; anything else gives the unspecified endpoint.
Endpoint endpoint_of(const SocketAddress& address);
SocketAddress to_address(const Endpoint& endpoint, int family);
/// "127.0.0.1:7", "[::1]:7".
std::string to_string(const Endpoint& endpoint);

/// What TCP_INFO says, as far as we care.
struct TcpCounters {
  SocketState state = SocketState::unknown;
  std::uint32_t unacknowledged = 0;  ///< segments
  std::uint64_t bytes_received = 0;  ///< in order; one more once a FIN has come
  std::uint64_t bytes_sent = 0;      ///< retransmissions included, FIN not
  std::uint64_t bytes_retransmitted = 0;
  std::uint32_t not_sent = 0;        ///< bytes that have never been sent
  std::uint32_t send_window = 0;     ///< as the peer last advertised it
  std::uint32_t receive_window = 0;  ///< as we last advertised it
  bool has_receive_window = false;   ///< Linux 6.2
  bool operator==(const TcpCounters&) const = default;
};

/// One TCP or UDP socket.
struct InetSocket {
  int family = 0;
  SocketState state = SocketState::unknown;
  std::uint8_t timer = 0;  ///< 1 retransmission, 2 keepalive, 3 TIME_WAIT, 4 zero-window probe
  Endpoint local;
  Endpoint remote;
  std::uint64_t inode = 0;         ///< 0: not accepted yet, or closed by its owner
  std::uint32_t unread = 0;        ///< bytes (a FIN counts one); of a listener: connections queued
  std::uint32_t unsent = 0;        ///< bytes not acknowledged; of a listener: the backlog
  std::uint32_t send_queued = 0;   ///< memory of the send queue ...
  std::uint32_t send_buffer = 0;   ///< ... and its limit (SO_SNDBUF)
  std::uint32_t dropped = 0;       ///< datagrams
  std::optional<TcpCounters> tcp;  ///< not for TIME_WAIT, SYN_RECV and UDP
  bool operator==(const InetSocket&) const = default;
};

struct UnixSocket {
  int type = 0;  ///< SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET
  SocketState state = SocketState::unknown;
  std::uint64_t inode = 0;   ///< 0: not accepted yet
  std::string name;          ///< as bound; an abstract one starts with a NUL
  std::uint64_t peer = 0;    ///< inode of the other end; 0 when there is none, or it has no owner
  std::uint32_t unread = 0;  ///< bytes; of a datagram socket the next one's; of a listener:
                             ///< connections queued
  std::uint32_t unconsumed = 0;  ///< memory of what it sent and nobody has read yet; of a listener:
                                 ///< the backlog
  std::uint32_t send_buffer = 0;
  std::uint8_t shutdown = 0;  ///< 1: will read no more, 2: will send no more
  bool operator==(const UnixSocket&) const = default;
};

/// TCP_INFO as getsockopt(2) and INET_DIAG_INFO give it, however long this kernel makes it.
std::optional<TcpCounters> parse_tcp_info(std::span<const std::byte> bytes);
/// The payload of one netlink message of an inet (AF_INET, AF_INET6) dump.
std::optional<InetSocket> parse_inet_message(std::span<const std::byte> payload);
/// The payload of one netlink message of an AF_UNIX dump.
std::optional<UnixSocket> parse_unix_message(std::span<const std::byte> payload);

struct SocketTables {
  std::vector<InetSocket> tcp;
  std::vector<InetSocket> udp;
  std::vector<UnixSocket> local;  ///< AF_UNIX
};

struct WhichTables {
  bool tcp = true;
  bool udp = true;
  bool local = true;
};

/// A NETLINK_SOCK_DIAG socket: one dump at a time, in the network namespace that the socket was
/// made in.
class DiagSocket final {
 public:
  explicit DiagSocket(OwnedFd netlink);

  /// IPv4 and IPv6 at once, every state but TIME_WAIT.
  SysResult<void> dump_tcp(std::vector<InetSocket>& into);
  SysResult<void> dump_udp(std::vector<InetSocket>& into);
  SysResult<void> dump_unix(std::vector<UnixSocket>& into);
  /// Makes those tables anew, and the others empty. It ends with the first error.
  SysResult<void> dump(const WhichTables& which, SocketTables& into);

 private:
  template <typename Take>
  SysResult<void> dump(std::span<const std::byte> request, Take take);

  OwnedFd netlink_;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace sockdrill
