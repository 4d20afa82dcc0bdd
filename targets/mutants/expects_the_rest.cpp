// Has room for datagrams of 4096 octets, and expects the rest of a longer one from the next
// recvfrom(), as on a stream. There is no rest: what comes is the next request, and it is lost.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  char buffer[4096];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    if (static_cast<std::size_t>(request.size) <= sizeof buffer) {
      mutants::reply_to(socket, request, {buffer, static_cast<std::size_t>(request.size)});
    } else {
      std::fprintf(stderr, "too long, skipped\n");
      mutants::receive_request(socket, buffer);
    }
  }
}
