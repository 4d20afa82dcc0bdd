// A child for each client, and nobody waits for the children: each of them stays as a zombie.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = mutants::accept_client(listener);
    if (::fork() == 0) {
      ::close(listener);
      mutants::discard(client);
      ::_exit(0);
    }
    ::close(client);
  }
}
