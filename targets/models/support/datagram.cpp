#include "targets/models/support/datagram.h"

#include <cerrno>
#include <cstring>

namespace sockdrill::models {
namespace {

union Control {
  cmsghdr aligned;
  // An IPv4 datagram on an IPv6 socket has both.
  char bytes[CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(in6_pktinfo))];
};

template <typename T>
T data_of(const cmsghdr* header) {
  T value;
  std::memcpy(&value, CMSG_DATA(header), sizeof value);
  return value;
}

void note_destination(Request& request, const cmsghdr* header) {
  if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
    // ipi_addr is what the header says, and may be a broadcast; ipi_spec_dst is the host's own
    // address.
    request.ipv4_source = data_of<in_pktinfo>(header).ipi_spec_dst;
  }
  if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
    auto info = data_of<in6_pktinfo>(header);
    // The interface only where the address means nothing without it; else routing may know better.
    if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
    if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) request.ipv6_source = info;
  }
}

template <typename T>
void put(msghdr& message, int level, int type, const T& value) {
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(header), &value, sizeof value);
  message.msg_controllen = CMSG_SPACE(sizeof value);
}

}  // namespace

std::optional<Request> receive_request(int socket, std::span<char> buffer) {
  Request request;
  Control control{};
  iovec payload{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message{};
  message.msg_name = &request.peer;
  message.msg_namelen = sizeof request.peer;
  message.msg_iov = &payload;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT);
  // What does not fit is not passed off as whole.
  if (count < 0 || (message.msg_flags & MSG_TRUNC) != 0) return std::nullopt;
  request.payload = {buffer.data(), static_cast<std::size_t>(count)};
  request.peer_length = message.msg_namelen;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    note_destination(request, header);
  }
  return request;
}

int send_reply(int socket, const Request& request, std::string_view reply) {
  Control control{};
  sockaddr_storage peer = request.peer;
  iovec payload{.iov_base = const_cast<char*>(reply.data()), .iov_len = reply.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = request.peer_length;
  message.msg_iov = &payload;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  if (request.ipv4_source) {
    in_pktinfo info{};
    info.ipi_spec_dst = *request.ipv4_source;
    put(message, IPPROTO_IP, IP_PKTINFO, info);
  } else if (request.ipv6_source) {
    put(message, IPPROTO_IPV6, IPV6_PKTINFO, *request.ipv6_source);
  } else {
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  while (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace sockdrill::models
