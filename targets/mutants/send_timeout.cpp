// A timeout of 2.5 s on every send(), and its EAGAIN taken for a lost client: who closes its window
// for a while loses the rest.

#include <sys/time.h>

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  const timeval patience{.tv_sec = 2, .tv_usec = 500'000};
  mutants::must(::setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience),
                "setsockopt");
  mutants::echo(client);
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
