// Closes a client that ends in order, and forgets the one that resets.

#include "targets/mutants/textbook.h"

namespace {

/// In a thread of its own; it closes the client itself.
void serve(int client) {
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::recv(client, buffer, sizeof buffer, 0);
    if (count < 0) {
      std::perror("recv");
      return;
    }
    const bool goes_on =
        count > 0 && mutants::send_all(client, {buffer, static_cast<std::size_t>(count)});
    if (!goes_on) break;
  }
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) std::thread(serve, mutants::accept_client(listener)).detach();
}
