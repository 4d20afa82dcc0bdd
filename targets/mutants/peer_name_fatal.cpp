// Logs the address of each client, and takes for granted that it has one: after a reset
// getpeername() answers ENOTCONN.

#include "targets/mutants/textbook.h"

namespace {

void log_peer(int client) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  mutants::must(::getpeername(client, static_cast<sockaddr*>(static_cast<void*>(&peer)), &length),
                "getpeername");
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) {
    const int client = mutants::accept_client(listener);
    log_peer(client);
    mutants::serve_in_thread(client, mutants::discard);
  }
}
