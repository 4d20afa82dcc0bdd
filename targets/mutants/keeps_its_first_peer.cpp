// Connects its datagram socket to the first client, to be able to use send(). From then on the
// kernel drops what anybody else sends.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  static char buffer[mutants::kDatagramBytes];
  for (bool is_connected = false;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    if (!is_connected) {
      mutants::must(
          ::connect(socket, static_cast<const sockaddr*>(static_cast<const void*>(&request.peer)),
                    request.peer_length),
          "connect");
    }
    is_connected = true;
    ::send(socket, buffer, static_cast<std::size_t>(request.size), MSG_NOSIGNAL);
  }
}
