// SO_LINGER {1, 0} on each client, "against TIME-WAIT": close() then resets, and throws away what
// the client has not yet taken.

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  mutants::must(::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
                "setsockopt");
  mutants::echo(client);
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
