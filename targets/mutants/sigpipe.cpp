// Writes to clients that are gone with nothing against SIGPIPE, which ends the process.

#include "targets/mutants/textbook.h"

namespace {

bool send_all(int client, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::write(client, octets.data(), octets.size());
    if (sent < 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Answers record by record, as a service does that works on each.
void echo(int client) {
  char buffer[4096];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    if (!send_all(client, input)) return;
  }
}

void stream(int client) {
  const std::string lines = mutants::chargen_lines();
  while (send_all(client, lines)) continue;
}

}  // namespace

int main(int, char** words) {
  const bool streams = std::string_view(words[2]) == "chargen";
  mutants::serve_each(mutants::open_listener(words[1]), streams ? stream : echo);
}
