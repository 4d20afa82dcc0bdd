#include "harness/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "harness/base/text.h"

namespace sockdrill {

namespace {

constexpr std::array<std::pair<Transport, const char*>, 5> kTransports{
    {{Transport::tcp, "tcp"},
     {Transport::udp, "udp"},
     {Transport::unix_stream, "unix"},
     {Transport::unix_dgram, "unix-dgram"},
     {Transport::unix_seqpacket, "unix-seqpacket"}}};

template <typename T>
const T& as(const SocketAddress& address) {
  return *static_cast<const T*>(static_cast<const void*>(&address.storage));
}
template <typename T>
T& as(SocketAddress& address) {
  return *static_cast<T*>(static_cast<void*>(&address.storage));
}

std::string unix_to_string(const SocketAddress& address) {
  const std::size_t length = address.length - offsetof(sockaddr_un, sun_path);
  const char* path = as<sockaddr_un>(address).sun_path;
  if (address.length <= offsetof(sockaddr_un, sun_path)) return "unnamed";
  if (path[0] == '\0') return "@" + std::string(path + 1, length - 1);
  return std::string(path, strnlen(path, length));
}

}  // namespace

std::string to_string(Transport transport) {
  for (const auto& [value, word] : kTransports) {
    if (value == transport) return word;
  }
  return "?";
}

Result<Transport> parse_transport(const std::string& word) {
  std::vector<std::string> words;
  for (const auto& [value, name] : kTransports) {
    if (word == name) return value;
    words.emplace_back(name);
  }
  return fail(fmt::format("unknown transport '{}': expected {}{}", word, join_or(words),
                          did_you_mean(word, words)));
}

int socket_type(Transport transport) {
  switch (transport) {
    case Transport::tcp:
    case Transport::unix_stream:
      return SOCK_STREAM;
    case Transport::unix_seqpacket:
      return SOCK_SEQPACKET;
    case Transport::udp:
    case Transport::unix_dgram:
      return SOCK_DGRAM;
  }
  return SOCK_STREAM;
}

const sockaddr* SocketAddress::get() const {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
}
sockaddr* SocketAddress::get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(*this).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(*this).sin6_port);
  return 0;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

Result<SocketAddress> ip_address(const std::string& text, std::uint16_t port) {
  SocketAddress address;
  auto& v4 = as<sockaddr_in>(address);
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.length = sizeof(sockaddr_in);
    return address;
  }
  auto& v6 = as<sockaddr_in6>(address);
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.length = sizeof(sockaddr_in6);
    return address;
  }
  return fail(fmt::format("'{}' is not an IPv4 or IPv6 address", text));
}

Result<SocketAddress> unix_address(const std::string& path) {
  SocketAddress address;
  auto& un = as<sockaddr_un>(address);
  if (path.empty() || path.size() >= sizeof(un.sun_path)) {
    return fail(fmt::format("a socket path has 1 to {} bytes (unix(7)), this one has {}",
                            sizeof(un.sun_path) - 1, path.size()));
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::string to_string(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (address.family()) {
    case AF_INET:
      static_cast<void>(
          ::inet_ntop(AF_INET, &as<sockaddr_in>(address).sin_addr, text.data(), text.size()));
      return fmt::format("{}:{}", text.data(), address.port());
    case AF_INET6:
      static_cast<void>(
          ::inet_ntop(AF_INET6, &as<sockaddr_in6>(address).sin6_addr, text.data(), text.size()));
      return fmt::format("[{}]:{}", text.data(), address.port());
    case AF_UNIX:
      return unix_to_string(address);
    default:
      return "unnamed";
  }
}

}  // namespace sockdrill
