#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "harness/cli/command.h"
#include "harness/suite/suite.h"

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

}  // namespace sockdrill

int main(int count, char** words) {
  using namespace sockdrill;
  CLI::App app{
      "Launches a server in isolation, replays rude clients against it, and says what it got "
      "wrong.\n"
      "Exit codes: 0 passed, 1 failed, 2 usage or bad input, 3 the server did not start, 4 nothing "
      "was selected,\n"
      "5 undecided, 70 an error of ours, 130 interrupted."};
  app.name("sockdrill");
  app.set_version_flag("--version", SOCKDRILL_VERSION);
  app.require_subcommand(1);
  Action chosen;
  add_run(app, chosen);
  add_list(app, chosen);
  add_lint(app, chosen);
  add_explain(app, chosen);
  add_plan(app, chosen);
  add_replay(app, chosen);
  add_judge(app, chosen);
  add_doctor(app, chosen);
  // The library throws on bad usage; it is caught here and nowhere else.
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kExitPassed : kExitUsage;
  }
  return chosen();
}
