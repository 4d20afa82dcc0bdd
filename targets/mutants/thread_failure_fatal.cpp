// Starts a thread for each client, and does not expect that there may be none: std::thread throws.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = mutants::accept_client(listener);
    std::thread([client] {
      mutants::discard(client);
      ::close(client);
    }).detach();
  }
}
