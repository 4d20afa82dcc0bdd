// Takes a recvfrom() that returns 0 for one that returned nothing.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size <= 0) continue;
    mutants::reply_to(socket, request, {buffer, static_cast<std::size_t>(request.size)});
  }
}
