// Ends when accept() fails, be it only because no descriptor is free just now.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    mutants::must(client, "accept");
    mutants::serve_in_thread(client, mutants::discard);
  }
}
