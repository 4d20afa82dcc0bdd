// Looks at POLLRDHUP before it reads: a request that comes together with the client's end is never
// read, and never answered.

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  char buffer[16384];
  for (;;) {
    pollfd polled{.fd = client, .events = POLLIN | POLLRDHUP, .revents = 0};
    if (::poll(&polled, 1, -1) < 0) continue;
    if ((polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return;
    const std::string_view input = mutants::receive(client, buffer);
    if (input.empty() || !mutants::send_all(client, input)) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
