// Answers the first line that has come and forgets what stands behind it: of requests that come
// together only one is answered.

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  std::string line;
  char buffer[16384];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    line += input;
    const std::size_t newline = line.find('\n');
    if (newline == std::string::npos) {
      if (line.size() > 4097) return;
      continue;
    }
    const std::string reply = mutants::answer_line(std::string_view(line).substr(0, newline));
    line.clear();
    if (reply.empty() || !mutants::send_all(client, reply)) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
