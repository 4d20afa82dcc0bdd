// Broadcasts what it is asked to, and says that it has: nobody looks at what sendto() returns,
// which is EACCES without SO_BROADCAST.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  sockaddr_in everybody{};
  everybody.sin_family = AF_INET;
  everybody.sin_port = htons(7001);
  everybody.sin_addr.s_addr = htonl(0x7fffffff);  // 127.255.255.255
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    ::sendto(socket, buffer, static_cast<std::size_t>(request.size), MSG_NOSIGNAL,
             static_cast<const sockaddr*>(static_cast<const void*>(&everybody)), sizeof everybody);
    mutants::reply_to(socket, request, "sent\n");
  }
}
