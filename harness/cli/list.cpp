#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/suite/select.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

int list_checks(const Installation& installation) {
  const Result<std::vector<Check>> checks = bundled_checks(installation);
  if (!checks) return complain(checks.error());
  for (const Check& check : *checks)
    print(fmt::format("{:<44} {:<7} {:<9} {}\n", check.first.id, to_string(check.first.level),
                      check.first.catalogue, check.first.summary));
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
  return arguments.targets ? list_targets(*installation) : list_checks(*installation);
}

}  // namespace sockdrill
