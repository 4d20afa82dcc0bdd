// Lines are answered with "ok " before and a newline behind them, in a buffer that has room for all
// but that: a line of exactly its size has its newline one octet further.

#include "targets/mutants/textbook.h"

namespace {

/// What the dialogue allows.
constexpr std::size_t kLongest = 4096;

struct Line {
  char octets[3 + kLongest];
};

/// False: the client is gone.
bool answer(int client, const std::string& line) {
  auto* const reply = new Line;
  const std::string text = "ok " + line;
  text.copy(reply->octets, sizeof reply->octets);
  reply->octets[text.size()] = '\n';  // the defect
  const bool is_sent = mutants::send_all(
      client, {reply->octets, std::min<std::size_t>(text.size() + 1, sizeof reply->octets)});
  delete reply;
  return is_sent;
}

void serve(int client) {
  std::string pending;
  char buffer[512];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    pending += input;
    for (std::size_t end; (end = pending.find('\n')) != std::string::npos;
         pending.erase(0, end + 1)) {
      if (end > kLongest || !answer(client, pending.substr(0, end))) return;
    }
    if (pending.size() > kLongest) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_in_turn(mutants::open_listener(words[1]), serve); }
