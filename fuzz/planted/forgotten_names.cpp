// Each client's name is noted on the heap, and forgotten there when its connection ends in an
// error: some octets each time.

#include <arpa/inet.h>

#include <cstring>

#include "targets/mutants/textbook.h"

namespace {

/// "127.0.0.1", on the heap.
char* name_of(int client) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  ::getpeername(client, static_cast<sockaddr*>(static_cast<void*>(&peer)), &size);
  return ::strdup(::inet_ntoa(peer.sin_addr));
}

void serve(int client) {
  char* const name = name_of(client);
  char buffer[16384];
  ssize_t count = 0;
  const bool is_known = std::strcmp(name, "0.0.0.0") != 0;
  while (is_known && (count = ::recv(client, buffer, sizeof buffer, 0)) > 0) {
    if (!mutants::send_all(client, {buffer, static_cast<std::size_t>(count)})) break;
  }
  if (count == 0) std::free(name);  // and after an error it is not
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) serve(mutants::accept_client(listener));
}
