#pragma once

// Internet addresses inside the kernel: IPv4 is kept as an IPv4-mapped IPv6 address (RFC
// 4291, 2.5.5.2), so that dual-stack sockets need no second look.

#include <netinet/in.h>

#include <compare>
#include <cstdint>

#include "harness/sim/kernel/sockets.h"

namespace sockdrill::sim {

struct Address {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static constexpr Address ipv4(std::uint32_t number) {
    return Address{0, std::uint64_t{0xffff} << 32 | number};
  }
  static constexpr Address any_ipv4() { return ipv4(0); }
  static constexpr Address any_ipv6() { return Address{}; }
  /// The address of nobody, of AF_INET or AF_INET6.
  static constexpr Address any(int family) { return family == AF_INET ? any_ipv4() : any_ipv6(); }
  static constexpr Address loopback_ipv4() { return ipv4(INADDR_LOOPBACK); }
  static constexpr Address loopback_ipv6() { return Address{0, 1}; }

  [[nodiscard]] constexpr bool is_ipv4() const { return high == 0 && low >> 32 == 0xffff; }
  [[nodiscard]] constexpr std::uint32_t as_ipv4() const { return static_cast<std::uint32_t>(low); }
  [[nodiscard]] constexpr bool is_any() const { return *this == any_ipv4() || *this == any_ipv6(); }
  [[nodiscard]] constexpr bool is_loopback() const {
    return *this == loopback_ipv6() || (is_ipv4() && as_ipv4() >> 24 == 127);
  }
  [[nodiscard]] constexpr bool is_multicast() const {
    return is_ipv4() ? as_ipv4() >> 28 == 0xe : high >> 56 == 0xff;
  }
  constexpr auto operator<=>(const Address&) const = default;
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  constexpr auto operator<=>(const Endpoint&) const = default;
};

/// What a program gave to a socket of `family` (AF_INET, AF_INET6). EINVAL: too short;
/// EAFNOSUPPORT: another family.
Outcome<Endpoint> read_endpoint(int family, const sockaddr* address, socklen_t length);
/// What a socket of that family shows: an IPv4 address on an IPv6 socket is shown mapped.
SocketName write_endpoint(int family, const Endpoint& endpoint);

}  // namespace sockdrill::sim
