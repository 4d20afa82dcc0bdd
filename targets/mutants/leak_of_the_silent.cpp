// A client that ends without a request needs no service, so its thread returns early, past the
// place where its descriptor is closed.

#include "targets/mutants/textbook.h"

namespace {

/// In a thread of its own; it closes the client itself.
void serve(int client) {
  char buffer[16384];
  std::string_view input = mutants::receive(client, buffer);
  char unused = 0;
  const bool has_ended = input.empty() && ::recv(client, &unused, 1, MSG_DONTWAIT) == 0;
  if (has_ended) return;
  while (!input.empty() && mutants::send_all(client, input))
    input = mutants::receive(client, buffer);
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) mutants::hand_to_thread(mutants::accept_client(listener), serve);
}
