// Prints a line for each client, and does not know that nobody gave it a standard output: accept()
// returned 1.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = mutants::accept_client(listener);
    static_cast<void>(::dprintf(STDOUT_FILENO, "client %d\n", client));
    mutants::serve_in_thread(client, mutants::echo);
  }
}
