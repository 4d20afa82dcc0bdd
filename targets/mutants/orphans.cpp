// A child for each client, which inherits the listening socket and is not told when the server
// ends: it lives on with its client, and holds the port.

#include <csignal>

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  std::signal(SIGCHLD, SIG_IGN);  // The kernel reaps.
  for (;;) {
    const int client = mutants::accept_client(listener);
    if (::fork() == 0) {
      mutants::discard(client);
      ::_exit(0);
    }
    ::close(client);
  }
}
