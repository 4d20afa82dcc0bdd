#include "harness/record/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "harness/base/try.h"

namespace sockdrill {

namespace {

/// Nothing: it is none.
std::optional<std::uint16_t> port_of(const std::string& digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, port);
  if (digits.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return port;
}

struct HostAndPort {
  std::string host = "127.0.0.1";
  std::string port;
};

HostAndPort split_endpoint(const std::string& word) {
  const std::size_t colon = word.rfind(':');
  if (colon == std::string::npos) return {.port = word};
  HostAndPort parts{.host = word.substr(0, colon), .port = word.substr(colon + 1)};
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  if (parts.host == "localhost") parts.host = "127.0.0.1";
  return parts;
}

}  // namespace

Result<SocketAddress> read_endpoint(const std::string& word, Transport transport,
                                    const std::string& option) {
  if (is_unix(transport)) {
    Result<SocketAddress> address = unix_address(word);
    if (!address) return fail(address.error().message, option);
    return address;
  }
  const HostAndPort parts = split_endpoint(word);
  const std::optional<std::uint16_t> port = port_of(parts.port);
  if (!port)
    return fail(fmt::format("'{}': expected PORT, or HOST:PORT, with a port from 0 to 65535", word),
                option);
  const Result<SocketAddress> address = ip_address(parts.host, *port);
  if (!address || !is_loopback(*address))
    return fail(fmt::format("'{}' is not on this machine's loopback: expected an address in "
                            "127.0.0.0/8, [::1] or localhost, for only what runs here is recorded",
                            word),
                option);
  return address;
}

bool is_loopback(const SocketAddress& address) {
  const void* const storage = &address.storage;
  if (address.family() == AF_INET)
    return ntohl(static_cast<const sockaddr_in*>(storage)->sin_addr.s_addr) >> 24U ==
           IN_LOOPBACKNET;
  if (address.family() == AF_INET6) {
    const in6_addr& host = static_cast<const sockaddr_in6*>(storage)->sin6_addr;
    return std::equal(std::begin(host.s6_addr), std::end(host.s6_addr),
                      std::begin(in6addr_loopback.s6_addr));
  }
  return address.family() == AF_UNIX;
}

}  // namespace sockdrill
