#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "harness/watch/sock_diag.h"

namespace sockdrill {
namespace {

using ByteSpan = std::span<const std::byte>;

// struct inet_diag_msg and struct tcp_info are read at fixed offsets: the C library's and even the
// kernel's own headers of a distribution are older than the kernels we meet.
template <typename T>
T value_at(ByteSpan bytes, std::size_t offset) {
  T value{};
  if (offset + sizeof(T) <= bytes.size()) std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

SocketState state_of(std::uint8_t number) {
  return number <= static_cast<std::uint8_t>(SocketState::closing) ? SocketState{number}
                                                                   : SocketState::unknown;
}

/// Calls take(type, payload) for each whole attribute; stops at the first that does not fit.
template <typename Take>
void for_each_attribute(ByteSpan bytes, Take take) {
  while (bytes.size() >= sizeof(nlattr)) {
    const auto header = value_at<nlattr>(bytes, 0);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) return;
    take(header.nla_type & NLA_TYPE_MASK,
         bytes.subspan(NLA_HDRLEN, std::size_t{header.nla_len} - NLA_HDRLEN));
    bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), NLA_ALIGN(header.nla_len)));
  }
}

Endpoint endpoint_at(int family, const __be32 (&address)[4], __be16 port) {
  Endpoint endpoint{.port = ntohs(port)};
  if (family == AF_INET6) {
    std::memcpy(endpoint.address.data(), &address[0], 16);
  } else {
    endpoint.address[10] = endpoint.address[11] = 0xff;
    std::memcpy(endpoint.address.data() + 12, &address[0], 4);
  }
  return endpoint;
}

void take_inet_attribute(InetSocket& socket, int type, ByteSpan payload) {
  if (type == INET_DIAG_INFO) socket.tcp = parse_tcp_info(payload);
  if (type != INET_DIAG_SKMEMINFO) return;
  socket.send_buffer = value_at<std::uint32_t>(payload, 4 * 3);  // SK_MEMINFO_SNDBUF
  socket.send_queued = value_at<std::uint32_t>(payload, 4 * 5);  // SK_MEMINFO_WMEM_QUEUED
  socket.dropped = value_at<std::uint32_t>(payload, 4 * 8);      // SK_MEMINFO_DROPS
}

void take_unix_attribute(UnixSocket& socket, int type, ByteSpan payload) {
  switch (type) {
    case UNIX_DIAG_NAME:
      socket.name.resize(payload.size());
      std::memcpy(socket.name.data(), payload.data(), payload.size());
      if (!socket.name.empty() && socket.name.front() != '\0') {
        socket.name.resize(std::strlen(socket.name.c_str()));
      }
      break;
    case UNIX_DIAG_PEER:
      socket.peer = value_at<std::uint32_t>(payload, 0);
      break;
    case UNIX_DIAG_RQLEN:
      socket.unread = value_at<std::uint32_t>(payload, 0);
      socket.unconsumed = value_at<std::uint32_t>(payload, 4);
      break;
    case UNIX_DIAG_MEMINFO:
      socket.send_buffer = value_at<std::uint32_t>(payload, 4 * 3);
      break;
    case UNIX_DIAG_SHUTDOWN:
      socket.shutdown = value_at<std::uint8_t>(payload, 0);
      break;
    default:
      break;
  }
}

}  // namespace

std::optional<TcpCounters> parse_tcp_info(ByteSpan bytes) {
  constexpr std::size_t kWithBytesRetransmitted = 216;  // Linux 4.19
  if (bytes.size() < kWithBytesRetransmitted) return std::nullopt;
  return TcpCounters{
      .state = state_of(value_at<std::uint8_t>(bytes, 0)),
      .unacknowledged = value_at<std::uint32_t>(bytes, 24),
      .bytes_received = value_at<std::uint64_t>(bytes, 128),
      .bytes_sent = value_at<std::uint64_t>(bytes, 200),
      .bytes_retransmitted = value_at<std::uint64_t>(bytes, 208),
      .not_sent = value_at<std::uint32_t>(bytes, 144),
      .send_window = value_at<std::uint32_t>(bytes, 228),
      .receive_window = value_at<std::uint32_t>(bytes, 232),
      .has_receive_window = bytes.size() >= 236,
  };
}

std::optional<InetSocket> parse_inet_message(ByteSpan payload) {
  if (payload.size() < sizeof(inet_diag_msg)) return std::nullopt;
  const auto message = value_at<inet_diag_msg>(payload, 0);
  if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6) return std::nullopt;
  InetSocket socket{
      .family = message.idiag_family,
      .state = state_of(message.idiag_state),
      .timer = message.idiag_timer,
      .local = endpoint_at(message.idiag_family, message.id.idiag_src, message.id.idiag_sport),
      .remote = endpoint_at(message.idiag_family, message.id.idiag_dst, message.id.idiag_dport),
      .inode = message.idiag_inode,
      .unread = message.idiag_rqueue,
      .unsent = message.idiag_wqueue,
      .tcp = std::nullopt,
  };
  for_each_attribute(payload.subspan(sizeof(inet_diag_msg)),
                     [&](int type, ByteSpan bytes) { take_inet_attribute(socket, type, bytes); });
  return socket;
}

std::optional<UnixSocket> parse_unix_message(ByteSpan payload) {
  if (payload.size() < sizeof(unix_diag_msg)) return std::nullopt;
  const auto message = value_at<unix_diag_msg>(payload, 0);
  if (message.udiag_family != AF_UNIX) return std::nullopt;
  UnixSocket socket{.type = message.udiag_type,
                    .state = state_of(message.udiag_state),
                    .inode = message.udiag_ino,
                    .name = {}};
  for_each_attribute(payload.subspan(sizeof(unix_diag_msg)),
                     [&](int type, ByteSpan bytes) { take_unix_attribute(socket, type, bytes); });
  return socket;
}

Endpoint endpoint_of(const SocketAddress& address) {
  Endpoint endpoint{.port = address.port()};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&address.storage);
  if (address.family() == AF_INET) {
    endpoint.address[10] = endpoint.address[11] = 0xff;
    std::memcpy(endpoint.address.data() + 12, bytes + offsetof(sockaddr_in, sin_addr), 4);
  } else if (address.family() == AF_INET6) {
    std::memcpy(endpoint.address.data(), bytes + offsetof(sockaddr_in6, sin6_addr), 16);
  }
  return endpoint;
}

SocketAddress to_address(const Endpoint& endpoint, int family) {
  SocketAddress address;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.data() + 12, 4);
    std::memcpy(&address.storage, &v4, sizeof(v4));
    address.length = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&address.storage, &v6, sizeof(v6));
    address.length = sizeof(v6);
  }
  return address;
}

std::string to_string(const Endpoint& endpoint) {
  const bool is_mapped = std::all_of(endpoint.address.begin(), endpoint.address.begin() + 10,
                                     [](std::uint8_t octet) { return octet == 0; }) &&
                         endpoint.address[10] == 0xff && endpoint.address[11] == 0xff;
  return to_string(to_address(endpoint, is_mapped ? AF_INET : AF_INET6));
}

std::string to_string(SocketState state) {
  static constexpr std::array<const char*, 12> kNames{
      "UNKNOWN",   "ESTABLISHED", "SYN_SENT",   "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
      "TIME_WAIT", "CLOSE",       "CLOSE_WAIT", "LAST_ACK", "LISTEN",    "CLOSING"};
  return kNames.at(static_cast<std::size_t>(state));
}

}  // namespace sockdrill
