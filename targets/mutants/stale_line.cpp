// Keeps the beginning of a line by descriptor, and does not clear it when the descriptor is closed:
// the next client that gets the number goes on with the line of the one before.

#include <array>
#include <vector>

#include "targets/mutants/textbook.h"

namespace {

std::array<std::string, 65536> begun;  // by descriptor

/// False: it has ended, is gone, or takes no more.
bool serve(int client) {
  std::string& line = begun[static_cast<std::size_t>(client)];
  char buffer[16384];
  const std::string_view input = mutants::receive(client, buffer);
  const std::string replies = mutants::take_lines(line, input);
  const ssize_t sent = ::send(client, replies.data(), replies.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return !input.empty() && sent == static_cast<ssize_t>(replies.size()) && line.size() <= 4097;
}

}  // namespace

int main(int, char** words) {
  std::vector<pollfd> polled{
      {.fd = mutants::open_listener(words[1]), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (std::size_t i = polled.size(); i-- > 1;) {
      if (polled[i].revents == 0 || serve(polled[i].fd)) continue;
      ::close(polled[i].fd);
      polled.erase(polled.begin() + static_cast<std::ptrdiff_t>(i));
    }
    const int client = polled[0].revents == 0 ? -1 : mutants::try_accept(polled[0].fd);
    if (client >= 0) polled.push_back({.fd = client, .events = POLLIN, .revents = 0});
  }
}
