// Sends the reply to where the request was sent, at the port of the asker: the reply to a broadcast
// is one, too.

#include <cstring>

#include "targets/mutants/datagram.h"

namespace {

/// Where a request was sent to (ip(7) IP_PKTINFO).
in_addr destination_of(const msghdr& message, in_addr otherwise) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != IP_PKTINFO) return otherwise;
  in_pktinfo info;
  std::memcpy(&info, CMSG_DATA(header), sizeof info);
  return info.ipi_addr;
}

}  // namespace

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  mutants::enable(socket, SO_BROADCAST);
  const int yes = 1;
  mutants::must(::setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes), "setsockopt");
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    sockaddr_in peer{};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))];
    iovec payload{.iov_base = buffer, .iov_len = sizeof buffer};
    msghdr message{};
    message.msg_name = &peer;
    message.msg_namelen = sizeof peer;
    message.msg_iov = &payload;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket, &message, 0);
    if (size < 0) continue;
    peer.sin_addr = destination_of(message, peer.sin_addr);
    ::sendto(socket, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL,
             static_cast<const sockaddr*>(static_cast<const void*>(&peer)), sizeof peer);
  }
}
