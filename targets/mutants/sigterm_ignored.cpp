// Ignores SIGTERM, as one does who wants to finish his work first, and never looks up from it.

#include <csignal>

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  ::signal(SIGTERM, SIG_IGN);
  mutants::serve_each(mutants::open_listener(words[1]), mutants::echo);
}
