// Reads up to 64 KiB at a time, and answers from a buffer of 8 KiB: of longer input the rest is
// lost.

#include "targets/mutants/textbook.h"

namespace {

constexpr std::size_t kReplyBytes = 8192;

void serve(int client) {
  char buffer[65536];
  for (std::string_view input; !(input = mutants::receive(client, buffer)).empty();) {
    char reply[kReplyBytes];
    const std::size_t size = input.copy(reply, kReplyBytes);
    if (!mutants::send_all(client, {reply, size})) return;
  }
}

}  // namespace

int main(int, char** words) { mutants::serve_each(mutants::open_listener(words[1]), serve); }
