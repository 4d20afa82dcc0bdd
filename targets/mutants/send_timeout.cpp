// Waits 2.5 s for room to send, and takes a closed window for a lost client: who does not read for
// a while loses the rest.

#include "targets/mutants/textbook.h"

namespace {

constexpr int kPatienceMs = 2500;

/// False: no room has come, or the client is gone.
bool send_in_time(int client, std::string_view octets) {
  while (!octets.empty()) {
    pollfd polled{.fd = client, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&polled, 1, kPatienceMs);
    if (ready == 0) return false;
    const ssize_t sent = ::send(client, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void serve(int client) {
  char buffer[16384];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    if (!send_in_time(client, input)) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
