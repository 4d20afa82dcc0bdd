#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <sys/un.h>

#include <algorithm>
#include <cstddef>

#include "harness/stage/stage_impl.h"

namespace sockdrill {
namespace {

/// Where we look: above the well-known and common ports, below those that connect(2) picks from.
constexpr std::uint32_t kFirst = 20000;
constexpr std::uint32_t kCount = 12000;
/// Stages that live at the same time on one host have different agents, so they start apart.
constexpr std::uint32_t kApart = 8;

bool can_bind(const Stage& stage, int domain, int type, std::uint16_t port) {
  const SysResult<OwnedFd> probe = stage.socket(domain, type, 0);
  // A machine without IPv6 has nobody there.
  if (!probe) return domain == AF_INET6;
  const int on = 1;
  // A connection in TIME_WAIT does not hinder a server. For UDP the option would hide one.
  if (type == SOCK_STREAM) {
    static_cast<void>(::setsockopt(probe->raw(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  }
  if (domain == AF_INET) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    return ::bind(probe->raw(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
  }
  static_cast<void>(::setsockopt(probe->raw(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  return ::bind(probe->raw(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

bool is_free(const Stage& stage, Transport transport, std::uint16_t port) {
  const int type = socket_type(transport);
  return can_bind(stage, AF_INET, type, port) && can_bind(stage, AF_INET6, type, port);
}

/// Between our look and the server's bind(2), and while a server is restarted, nobody has the port:
/// another stage of ours would take it. An abstract name (unix(7)) says whose it is, and goes with
/// the last descriptor, whatever we die of. Nothing when somebody has it.
OwnedFd reserve(const Stage& stage, Transport transport, std::uint16_t port) {
  SysResult<OwnedFd> name = stage.socket(AF_UNIX, SOCK_DGRAM, 0);
  if (!name) return OwnedFd{};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = fmt::format("sockdrill port {} {}", to_string(transport), port);
  std::copy(text.begin(), text.end(), address.sun_path + 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  if (::bind(name->raw(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
    return OwnedFd{};
  return std::move(*name);
}

}  // namespace

bool has_low_ports(const Home& home) {
  if (home.isolated) return true;
  const auto first_free = read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  return !first_free || std::atoi(first_free->c_str()) >= 1024;
}

Result<std::uint16_t> Stage::free_port(Transport transport, std::uint16_t wished) {
  const auto take = [&](std::uint16_t port) {
    if (is_isolated()) return is_free(*this, transport, port);
    OwnedFd reservation = reserve(*this, transport, port);
    if (!reservation.is_open() || !is_free(*this, transport, port)) return false;
    impl_->port_reservation = std::move(reservation);
    return true;
  };
  if (wished != 0 && (is_isolated() || take(wished))) return wished;
  // The same in every run where the stage is isolated: recordings then read alike.
  const auto start = is_isolated() ? 0 : static_cast<std::uint32_t>(agent()) * kApart;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirst + (start + i) % kCount);
    if (take(port)) return port;
  }
  return fail(fmt::format("no {} port from {} to {} is free", to_string(transport), kFirst,
                          kFirst + kCount - 1));
}

}  // namespace sockdrill
