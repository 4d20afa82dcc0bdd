// Says that it listens on the port from its command line, which is 0 when the kernel was to choose.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  std::printf("listening on port %s\n", words[1]);
  std::fflush(stdout);
  mutants::serve_each(listener, mutants::discard);
}
