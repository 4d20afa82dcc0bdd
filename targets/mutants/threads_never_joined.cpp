// Keeps the thread of each client, to join it in the end: until then its stack stays, too.

#include <vector>

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  char buffer[65536] = {};
  while (!mutants::receive(client, buffer).empty()) continue;
  ::close(client);
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  std::vector<std::thread> threads;
  for (;;) threads.emplace_back(serve, mutants::accept_client(listener));
}
