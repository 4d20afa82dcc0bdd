// One line for all clients, with a lock around it: what one has begun, the next one goes on with.

#include <mutex>

#include "targets/mutants/textbook.h"

namespace {

std::mutex mutex;
std::string line;

void serve(int client) {
  char buffer[16384];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    std::string replies;
    {
      const std::lock_guard lock(mutex);
      replies = mutants::take_lines(line, input);
    }
    if (line.size() > 4097 || !mutants::send_all(client, replies)) break;
  }
  const std::lock_guard lock(mutex);
  line.clear();
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
