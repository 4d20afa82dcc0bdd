// Room for the longest datagram of IPv4, on a socket of IPv6: of its longest 20 octets are lost.

#include <algorithm>

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  mutants::must(socket, "socket");
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(std::atoi(words[1])));
  mutants::must(::bind(socket, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                       sizeof address),
                "bind");
  static char buffer[65507];
  for (;;) {
    mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    const std::size_t size = std::min(sizeof buffer, static_cast<std::size_t>(request.size));
    mutants::reply_to(socket, request, {buffer, size});
  }
}
