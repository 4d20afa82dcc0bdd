// Reads into what is free of a buffer of 8 KiB until a line is whole. When the buffer is full,
// recv() has room for 0 octets and returns 0, again and again.

#include <array>

#include "targets/mutants/textbook.h"

namespace {

void serve(int client) {
  std::array<char, 8192> buffer;
  std::size_t filled = 0;
  for (;;) {
    const ssize_t count = ::recv(client, buffer.data() + filled, buffer.size() - filled, 0);
    const bool has_ended = count == 0 && filled < buffer.size();
    if (count < 0 || has_ended) return;
    filled += static_cast<std::size_t>(count);
    const std::string_view input(buffer.data(), filled);
    const std::size_t newline = input.rfind('\n');
    if (newline == std::string_view::npos) continue;
    std::string line;
    if (!mutants::answer_lines(client, line, input.substr(0, newline + 1))) return;
    filled = input.substr(newline + 1).copy(buffer.data(), buffer.size());
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
