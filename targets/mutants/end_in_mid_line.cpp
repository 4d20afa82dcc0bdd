// Reads until the line is whole, and looks for errors but not for the end: after a half line
// recv() returns 0 for ever.

#include "targets/mutants/textbook.h"

namespace {

/// False: the client is gone.
bool read_line(int client, std::string& line, std::string& rest) {
  char buffer[4096];
  line = std::move(rest);
  rest.clear();
  while (line.find('\n') == std::string::npos) {
    const ssize_t count = ::recv(client, buffer, sizeof buffer, 0);
    if (count < 0 || line.size() > 4097) return false;
    if (count == 0 && line.empty()) return false;
    line.append(buffer, static_cast<std::size_t>(count));
  }
  rest = line.substr(line.find('\n') + 1);
  line.erase(line.find('\n'));
  return true;
}

void serve(int client) {
  std::string line;
  std::string rest;
  while (read_line(client, line, rest)) {
    const std::string reply = mutants::answer_line(line);
    if (reply.empty() || !mutants::send_all(client, reply)) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
