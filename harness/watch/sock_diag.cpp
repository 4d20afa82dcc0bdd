#include "harness/watch/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sockdrill {
namespace {

// The kernel fills at most 32 KiB a recv, whatever larger buffer it is offered.
constexpr std::size_t kBufferBytes = 65536;
constexpr std::uint32_t kAllStates = 0xfff;
constexpr std::uint32_t kTimeWait = 1U << static_cast<unsigned>(SocketState::time_wait);
constexpr std::uint8_t kExtensions =
    (1U << (INET_DIAG_INFO - 1)) | (1U << (INET_DIAG_SKMEMINFO - 1));

template <typename Body>
struct Request {
  nlmsghdr header{};
  Body body{};
};

template <typename Body>
Request<Body> make_request(std::uint16_t type, const Body& body) {
  Request<Body> request;
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body = body;
  return request;
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

/// The error that NLMSG_ERROR and NLMSG_DONE carry as a negative errno; 0 when there is none.
Errno error_in(std::span<const std::byte> payload) {
  std::int32_t number = 0;
  if (payload.size() < sizeof(number)) return {};
  std::memcpy(&number, payload.data(), sizeof(number));
  return Errno{-number};
}

enum class DumpStep { more, done };

/// One datagram of a dump: hands each message's payload to `take`.
template <typename Take>
SysResult<DumpStep> read_messages(std::span<const std::byte> bytes, std::uint32_t sequence,
                                  Take& take) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes.size()) break;
    const auto payload = bytes.subspan(sizeof(header), header.nlmsg_len - sizeof(header));
    bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), NLMSG_ALIGN(header.nlmsg_len)));
    if (header.nlmsg_seq != sequence) continue;  // Left over from a dump that was given up.
    if (header.nlmsg_type == NLMSG_ERROR) return fail(error_in(payload));
    if (header.nlmsg_type == NLMSG_DONE) {
      const Errno error = error_in(payload);
      if (error.value > 0) return fail(error);
      return DumpStep::done;
    }
    take(payload);
  }
  return DumpStep::more;
}

}  // namespace

DiagSocket::DiagSocket(OwnedFd netlink) : netlink_(std::move(netlink)), buffer_(kBufferBytes) {}

template <typename Take>
SysResult<void> DiagSocket::dump(std::span<const std::byte> request, Take take) {
  std::vector<std::byte> message(request.begin(), request.end());
  nlmsghdr header{};
  std::memcpy(&header, message.data(), sizeof(header));
  header.nlmsg_seq = ++sequence_;
  std::memcpy(message.data(), &header, sizeof(header));
  if (::send(netlink_.raw(), message.data(), message.size(), 0) < 0) return fail(last_errno());
  while (true) {
    const ssize_t length = ::recv(netlink_.raw(), buffer_.data(), buffer_.size(), 0);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return fail(last_errno());
    const auto step =
        read_messages(std::span(buffer_).first(static_cast<std::size_t>(length)), sequence_, take);
    if (!step) return fail(step.error());
    if (*step == DumpStep::done) return {};
  }
}

SysResult<void> DiagSocket::dump_tcp(std::vector<InetSocket>& into) {
  // The request of old (TCPDIAG_GETSOCK) is the only one that gives both families in one walk over
  // the kernel's hash table.
  inet_diag_req body{};
  body.idiag_ext = kExtensions;
  body.idiag_states = kAllStates & ~kTimeWait;
  return dump(bytes_of(make_request(TCPDIAG_GETSOCK, body)), [&](std::span<const std::byte> bytes) {
    if (auto socket = parse_inet_message(bytes)) into.push_back(*socket);
  });
}

SysResult<void> DiagSocket::dump_udp(std::vector<InetSocket>& into) {
  for (const int family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 body{};
    body.sdiag_family = static_cast<std::uint8_t>(family);
    body.sdiag_protocol = IPPROTO_UDP;
    body.idiag_ext = kExtensions;
    body.idiag_states = kAllStates;
    const auto done = dump(bytes_of(make_request(SOCK_DIAG_BY_FAMILY, body)),
                           [&](std::span<const std::byte> bytes) {
                             if (auto socket = parse_inet_message(bytes)) into.push_back(*socket);
                           });
    if (!done) return done;
  }
  return {};
}

SysResult<void> DiagSocket::dump_unix(std::vector<UnixSocket>& into) {
  unix_diag_req body{};
  body.sdiag_family = AF_UNIX;
  body.udiag_states = kAllStates;
  body.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO;
  return dump(bytes_of(make_request(SOCK_DIAG_BY_FAMILY, body)),
              [&](std::span<const std::byte> bytes) {
                if (auto socket = parse_unix_message(bytes)) into.push_back(std::move(*socket));
              });
}

SysResult<void> DiagSocket::dump(const WhichTables& which, SocketTables& into) {
  into.tcp.clear();
  into.udp.clear();
  into.local.clear();
  SysResult<void> done{};
  if (which.tcp) done = dump_tcp(into.tcp);
  if (done && which.udp) done = dump_udp(into.udp);
  if (done && which.local) done = dump_unix(into.local);
  return done;
}

}  // namespace sockdrill
