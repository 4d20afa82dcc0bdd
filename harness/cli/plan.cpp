#include <filesystem>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/selection.h"
#include "harness/suite/suite.h"

namespace sockdrill {

int carry_out(const PlanArguments& arguments) {
  const Selection& selection = arguments.selection;
  const Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const Result<Bindings> only = read_bindings(selection.set);
  if (!only) return complain(only.error());
  const Result<std::vector<Check>> checks = select_checks(*installation, selection.checks);
  if (!checks) return complain(checks.error());
  const Result<std::vector<Target>> targets = select(*installation, selection.target);
  if (!targets) return complain(targets.error());
  std::size_t shown = 0;
  for (const Target& target : *targets) {
    for (const Check& check : *checks) {
      if (const std::optional<std::string> reason = why_not(check.first, target)) {
        print(fmt::format("{} on {}: skipped: {}\n\n", check.first.id, target.name, *reason));
        continue;
      }
      const std::string folder = std::filesystem::path(check.document.file).parent_path();
      const Result<Plan> plan = make_plan(
          check, target, PlanOptions{.seed = arguments.seed, .only = *only, .base_dir = folder});
      if (!plan) return complain(plan.error());
      print(describe(*plan) + "\n");
      ++shown;
    }
  }
  return shown == 0 ? kExitNothing : kExitPassed;
}

}  // namespace sockdrill
