// Writes a reply in pieces of 1024 octets, as on a stream: over datagrams each piece is a reply.

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    std::string_view reply(buffer, static_cast<std::size_t>(request.size));
    do {
      const std::string_view piece = reply.substr(0, 1024);
      mutants::reply_to(socket, request, piece);
      reply.remove_prefix(piece.size());
    } while (!reply.empty());
  }
}
