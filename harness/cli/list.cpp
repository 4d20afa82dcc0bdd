#include <algorithm>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/cli/selection.h"
#include "harness/suite/select.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

/// The checks meant, without those that are for none of the servers meant, if servers were named.
Result<std::vector<Check>> checks_to_list(const Installation& installation,
                                          const ListArguments& arguments) {
  std::vector<Check> checks = TRY(select_checks(installation, arguments.checks));
  if (arguments.target.exec.empty() && arguments.target.targets.empty()) return checks;
  const std::vector<Target> targets = TRY(select(installation, arguments.target));
  std::erase_if(checks, [&](const Check& check) {
    return std::none_of(targets.begin(), targets.end(),
                        [&](const Target& target) { return !why_not(check.first, target); });
  });
  return checks;
}

int list_checks(const Installation& installation, const ListArguments& arguments) {
  const Result<std::vector<Check>> checks = checks_to_list(installation, arguments);
  if (!checks) return complain(checks.error());
  if (checks->empty()) {
    static_cast<void>(complain(Error{"no check matches; `sockdrill list` shows them all", ""}));
    return kExitNothing;
  }
  for (const Check& check : *checks) {
    print(arguments.ids
              ? check.first.id + "\n"
              : fmt::format("{:<44} {:<7} {:<9} {}\n", check.first.id, to_string(check.first.level),
                            check.first.catalogue, check.first.summary));
  }
  return kExitPassed;
}

int list_targets(const Installation& installation) {
  const Result<std::vector<Target>> targets = all_targets(installation);
  if (!targets) return complain(targets.error());
  for (const Target& target : *targets)
    print(fmt::format("{:<36} {:<14} {:<16} {}\n", target.name, to_string(target.transport),
                      target.speaks.name, target.summary));
  return kExitPassed;
}

}  // namespace

int carry_out(const ListArguments& arguments) {
  const Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  return arguments.targets ? list_targets(*installation) : list_checks(*installation, arguments);
}

}  // namespace sockdrill
