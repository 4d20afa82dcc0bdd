// A timeout of 2.5 s on every recv(), and its EAGAIN taken for a lost client: who thinks for a
// while is thrown out.

#include <sys/time.h>

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  const timeval patience{.tv_sec = 2, .tv_usec = 500'000};
  mutants::must(::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
                "setsockopt");
  mutants::discard(client);
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
