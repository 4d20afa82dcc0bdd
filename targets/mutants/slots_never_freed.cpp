// A table of five clients, in which a place that was given out once stays taken.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  int clients[5] = {};
  for (std::size_t count = 0;;) {
    const int client = mutants::accept_client(listener);
    if (count == std::size(clients)) {
      ::close(client);
    } else {
      clients[count++] = client;
      mutants::serve_in_thread(client, mutants::discard);
    }
  }
}
