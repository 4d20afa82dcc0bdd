// Refuses a line that is too long, and leaves by a way on which nobody closes the client.

#include "targets/mutants/textbook.h"

namespace {

/// In a thread of its own; it closes the client itself.
void serve(int client) {
  std::string line;
  char buffer[16384];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    if (!mutants::send_all(client, mutants::take_lines(line, input))) break;
    if (line.size() <= 4097) continue;
    mutants::send_all(client, "error line too long\n");
    ::shutdown(client, SHUT_RDWR);
    return;
  }
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (;;) mutants::hand_to_thread(mutants::accept_client(listener), serve);
}
