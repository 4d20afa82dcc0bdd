#pragma once

// One datagram in, one datagram out, between the right addresses.

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <span>
#include <string_view>

namespace sockdrill::models {

/// Takes every UDP payload there is: 65507 bytes over IPv4, 65527 over IPv6.
inline constexpr std::size_t kDatagramBytes = 65536;

struct Request {
  std::string_view payload;  // May be empty: that is a request like any other.
  sockaddr_storage peer{};
  socklen_t peer_length = 0;
  // Where it came in, and so where the reply has to come from: a server on the wildcard address
  // else answers from the address nearest to the client, and a client that asked another one drops
  // the answer. For a broadcast or multicast request it is an ordinary address of the host.
  std::optional<in_addr> ipv4_source;
  std::optional<in6_pktinfo> ipv6_source;
};

/// The next datagram, if there is one. Errors that other datagrams left behind are passed over.
std::optional<Request> receive_request(int socket, std::span<char> buffer);

/// 0 or the errno. A reply that cannot be sent now is dropped: that is UDP, and waiting would let
/// one client stop all others.
int send_reply(int socket, const Request& request, std::string_view reply);

}  // namespace sockdrill::models
