// SO_REUSEPORT instead of SO_REUSEADDR: a second instance starts without a word, and gets half of
// the clients.

#include "targets/mutants/textbook.h"

int main(int, char** words) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  mutants::enable(listener, SO_REUSEPORT);
  mutants::bind_to(listener, words[1]);
  mutants::must(::listen(listener, SOMAXCONN), "listen");
  mutants::serve_each(listener, mutants::discard);
}
