// Takes a datagram for a C string: strlen() stops at the first NUL.

#include <cstring>

#include "targets/mutants/datagram.h"

int main(int, char** words) {
  const int socket = mutants::open_datagram_socket(words[1]);
  static char buffer[mutants::kDatagramBytes];
  for (;;) {
    const mutants::Request request = mutants::receive_request(socket, buffer);
    if (request.size < 0) continue;
    buffer[request.size] = '\0';
    mutants::reply_to(socket, request, {buffer, std::strlen(buffer)});
  }
}
