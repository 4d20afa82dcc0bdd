// Sets SO_REUSEADDR after bind(), where it no longer helps: a restart meets EADDRINUSE as if it had
// never been set.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  mutants::bind_to(listener, words[1]);
  mutants::enable(listener, SO_REUSEADDR);
  mutants::must(::listen(listener, SOMAXCONN), "listen");
  mutants::serve_each(listener, mutants::discard);
}
