// Closes a client that ends in order, and forgets the one that resets.

#include "targets/mutants/textbook.h"

namespace {

/// In a thread of its own; it closes the client itself.
void serve(int client) {
  char buffer[16384];
  ssize_t count = 0;
  while ((count = ::recv(client, buffer, sizeof buffer, 0)) > 0) continue;
  if (count < 0) return std::perror("recv");
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) mutants::hand_to_thread(mutants::accept_client(listener), serve);
}
