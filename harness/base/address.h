#pragma once

// Where a server listens and a client speaks from: transports and socket addresses as values.

#include <sys/socket.h>

#include <compare>
#include <cstdint>
#include <string>

#include "harness/base/result.h"

namespace sockdrill {

/// The words are those of scenarios, manifests and `--over`.
enum class Transport { tcp, udp, unix_stream, unix_dgram, unix_seqpacket };

inline bool is_unix(Transport t) { return t != Transport::tcp && t != Transport::udp; }
/// Message boundaries are kept: datagrams and seqpackets.
inline bool keeps_boundaries(Transport t) {
  return t != Transport::tcp && t != Transport::unix_stream;
}
/// A peer can close, half-close and reset; there is an end of stream.
inline bool is_connected(Transport t) { return t != Transport::udp && t != Transport::unix_dgram; }

/// "tcp", "udp", "unix", "unix-dgram", "unix-seqpacket".
std::string to_string(Transport transport);
Result<Transport> parse_transport(const std::string& word);
/// SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
int socket_type(Transport transport);

/// A copy of a sockaddr of any family. An empty one (length 0) is "unnamed", as unix(7) calls it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] sockaddr* get();
  [[nodiscard]] int family() const { return length == 0 ? AF_UNSPEC : storage.ss_family; }
  [[nodiscard]] std::uint16_t port() const;  ///< 0 for AF_UNIX
  bool operator==(const SocketAddress& other) const;
};

/// `text` is an IPv4 or IPv6 literal.
Result<SocketAddress> ip_address(const std::string& text, std::uint16_t port);
/// 107 octets at most: unix(7), sun_path[108].
Result<SocketAddress> unix_address(const std::string& path);
/// "127.0.0.1:7", "[::1]:7", "/run/x.sock", "@abstract", "unnamed".
std::string to_string(const SocketAddress& address);

}  // namespace sockdrill
