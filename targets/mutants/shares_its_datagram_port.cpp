// SO_REUSEADDR on a datagram socket, out of habit: a second instance binds the same port, and takes
// all datagrams.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  mutants::must(socket, "socket");
  mutants::enable(socket, SO_REUSEADDR);
  mutants::bind_to(socket, words[1]);
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    mutants::reply_to(socket, request, {buffer, static_cast<std::size_t>(request.size)});
  }
}
