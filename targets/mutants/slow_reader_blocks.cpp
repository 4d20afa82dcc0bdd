// One thread for all clients, and sends that wait: the slowest reader stops everybody.

#include <vector>

#include "targets/mutants/textbook.h"

namespace {

bool echo(int client) {
  char buffer[16384];
  const std::string_view input = mutants::receive(client, buffer);
  return !input.empty() && mutants::send_all(client, input);
}

bool stream(int client) {
  static const std::string lines = [] {
    std::string many;
    while (many.size() < (std::size_t{8} << 20U)) many += mutants::chargen_lines();
    return many;
  }();
  return mutants::send_all(client, lines);
}

}  // namespace

int main(int, char** words) {
  const bool streams = std::string_view(words[2]) == "chargen";
  std::vector<pollfd> polled{
      {.fd = mutants::open_listener(words[1]), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (std::size_t i = polled.size(); i-- > 1;) {
      if (polled[i].revents == 0) continue;
      if (streams ? stream(polled[i].fd) : echo(polled[i].fd)) continue;
      ::close(polled[i].fd);
      polled.erase(polled.begin() + static_cast<std::ptrdiff_t>(i));
    }
    const int client = polled[0].revents == 0 ? -1 : mutants::try_accept(polled[0].fd);
    if (client < 0) continue;
    polled.push_back(
        {.fd = client, .events = static_cast<short>(streams ? POLLOUT : POLLIN), .revents = 0});
  }
}
