#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

/// A scenario, or a manifest: the keys tell which it is meant to be.
Result<std::string> lint_file(const std::string& file) {
  Document document = TRY(read_document(file));
  const Node root(document);
  if (root.has("command") && !root.has("steps")) {
    const std::vector<Target> targets = TRY(read_targets(document));
    return fmt::format("a manifest, {}", count_of(targets.size(), "target"));
  }
  const Check check = TRY(read_check(std::move(document)));
  TRY_VOID(check_steps(check));
  return fmt::format("a scenario, {}{}", count_of(check.cases.size(), "case"),
                     check.first.needs_simulated_kernel()
                         ? "; its faults or its schedule are for --world simulated"
                         : "");
}

}  // namespace

int carry_out(const LintArguments& arguments) {
  int code = kExitPassed;
  for (const std::string& word : arguments.files) {
    std::vector<std::string> below = files_below(word, ".json");
    if (below.empty()) below.push_back(word);
    for (const std::string& file : below) {
      if (file.ends_with("schema.json")) continue;
      const Result<std::string> verdict = lint_file(file);
      if (!verdict)
        code = complain(verdict.error());
      else
        print(fmt::format("{}: {}\n", file, *verdict));
    }
  }
  return code;
}

}  // namespace sockdrill
