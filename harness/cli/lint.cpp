#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

bool has_any(const Node& root, std::initializer_list<const char*> keys) {
  return std::ranges::any_of(keys, [&](const char* key) { return root.has(key); });
}

/// Where replies come from other ports it is for UDP, and else for any transport.
Result<std::string> lint_dialogue(const Node& root) {
  const Transport transport = root.has("replies_from") ? Transport::udp : Transport::tcp;
  const Dialogue dialogue = TRY(read_dialogue(root, transport));
  return fmt::format("a dialogue, {}", count_of(dialogue.exchanges.size(), "exchange"));
}

/// A scenario, a manifest or a dialogue: the keys tell which it is meant to be.
Result<std::string> lint_file(const std::string& file) {
  Document document = TRY(read_document(file));
  const Node root(document);
  const bool is_scenario = has_any(root, {"steps", "id", "level"});
  if (!is_scenario && has_any(root, {"command", "listens", "speaks", "variants", "declares"})) {
    const std::vector<Target> targets = TRY(read_targets(document));
    return fmt::format("a manifest, {}", count_of(targets.size(), "target"));
  }
  if (!is_scenario && has_any(root, {"dialogue", "greeting", "framing", "style", "replies_from"}))
    return lint_dialogue(root);
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
