// Waits 2.5 s for the next word of a client, and takes its silence for its loss: who thinks for a
// while is thrown out.

#include "targets/mutants/textbook.h"

namespace {

constexpr int kPatienceMs = 2500;

void serve(int client) {
  char buffer[16384];
  for (;;) {
    pollfd polled{.fd = client, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&polled, 1, kPatienceMs);
    if (ready < 0) continue;
    if (ready == 0 || mutants::receive(client, buffer).empty()) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
