// Sixteen threads that serve one client after the other. An error of a client ends the thread that
// served it: with each of them the pool is one smaller, until nobody is left.

#include "targets/mutants/textbook.h"

namespace {

/// False: something went wrong.
bool serve(int client) {
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::recv(client, buffer, sizeof buffer, 0);
    if (count <= 0) return count == 0;
    if (!mutants::send_all(client, {buffer, static_cast<std::size_t>(count)})) return false;
  }
}

void work(int listener) {
  for (bool goes_on = true; goes_on;) {
    const int client = mutants::accept_client(listener);
    goes_on = serve(client);
    ::close(client);
  }
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (int i = 0; i < 16; ++i) std::thread(work, listener).detach();
  for (;;) ::pause();
}
