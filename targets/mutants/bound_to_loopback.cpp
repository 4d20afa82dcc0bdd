// Binds to 127.0.0.1 and believes that it hears broadcasts: a socket that is bound to one address
// of the host gets nothing that is sent to all.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1], INADDR_LOOPBACK);
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    mutants::reply_to(socket, request, {buffer, static_cast<std::size_t>(request.size)});
  }
}
