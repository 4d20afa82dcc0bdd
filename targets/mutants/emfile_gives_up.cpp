// Ends the thread that accepts when accept() fails, and goes on serving the clients it has: half
// dead, and nobody notices but those who come later.

#include "targets/mutants/textbook.h"

namespace {

void accept_all(int listener) {
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return std::perror("accept");
    mutants::serve_in_thread(client, mutants::discard);
  }
}

}  // namespace

int main(int, char** words) {
  std::thread accepting(accept_all, mutants::open_listener(words[1]));
  accepting.join();
  for (;;) ::pause();
}
