#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <variant>

#include "harness/cli/command.h"

namespace sockdrill {

int complain(const Error& error) {
  static_cast<void>(std::fprintf(stderr, "sockdrill: %s\n", to_string(error).c_str()));
  return kExitUsage;
}

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

int carry_out(const Done& done) { return done.exit_code; }

}  // namespace sockdrill

int main(int count, char** words) {
  using namespace sockdrill;
  const Arguments arguments = parse_arguments(count, words);
  return std::visit([](const auto& chosen) { return carry_out(chosen); }, arguments);
}
