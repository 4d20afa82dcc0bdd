// Tries again at once when accept() fails: while no descriptor is free, that takes a whole CPU.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) mutants::serve_in_thread(client, mutants::discard);
  }
}
