// One buffer for all; a client that is reset in the middle of a receive is answered with what the
// last one left there.

#include "targets/mutants/textbook.h"

namespace {

char buffer[4096];

void serve(int client) {
  for (;;) {
    const ssize_t size = ::recv(client, buffer, sizeof buffer, 0);
    if (size == 0) return;
    if (size < 0 && errno == ECONNRESET) return;
    // The defect: an error that is no end is taken for a message of one octet.
    const std::size_t length = size < 0 ? 1 : static_cast<std::size_t>(size);
    if (!mutants::send_all(client, {buffer, length})) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_in_turn(mutants::open_listener(words[1]), serve); }
