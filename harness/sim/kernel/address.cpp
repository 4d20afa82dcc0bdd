#include "harness/sim/kernel/address.h"

#include <cerrno>
#include <cstring>

namespace sockdrill::sim {

Outcome<Endpoint> read_endpoint(int family, const sockaddr* address, socklen_t length) {
  if (length < sizeof(sa_family_t)) return refuse(EINVAL);
  if (family == AF_INET) {
    if (length < sizeof(sockaddr_in)) return refuse(EINVAL);
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof(in));
    // AF_UNSPEC is taken for AF_INET with the address of nobody, as old programs say it.
    const bool is_any = in.sin_family == AF_UNSPEC && in.sin_addr.s_addr == INADDR_ANY;
    if (in.sin_family != AF_INET && !is_any) return refuse(EAFNOSUPPORT);
    return Endpoint{Address::ipv4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  sa_family_t given = 0;
  std::memcpy(&given, address, sizeof(given));
  constexpr socklen_t kShortest = 24;  // SIN6_LEN_RFC2133: without sin6_scope_id
  if (given == AF_INET6) {
    if (length < kShortest) return refuse(EINVAL);
    sockaddr_in6 in{};
    std::memcpy(&in, address, std::min<std::size_t>(length, sizeof(in)));
    std::uint64_t words[2];
    std::memcpy(words, &in.sin6_addr, sizeof(words));
    return Endpoint{Address{be64toh(words[0]), be64toh(words[1])}, ntohs(in.sin6_port)};
  }
  return refuse(length < kShortest ? EINVAL : EAFNOSUPPORT);
}

SocketName write_endpoint(int family, const Endpoint& endpoint) {
  SocketName name;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    in.sin_addr.s_addr = htonl(endpoint.address.as_ipv4());
    std::memcpy(&name.storage, &in, sizeof(in));
    name.length = sizeof(in);
    return name;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(endpoint.port);
  const std::uint64_t words[2] = {htobe64(endpoint.address.high), htobe64(endpoint.address.low)};
  std::memcpy(&in.sin6_addr, words, sizeof(words));
  std::memcpy(&name.storage, &in, sizeof(in));
  name.length = sizeof(in);
  return name;
}

}  // namespace sockdrill::sim
