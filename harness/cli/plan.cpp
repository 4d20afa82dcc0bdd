#include <filesystem>

#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/cli/target_options.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

struct PlanCommand {
  std::vector<std::string> checks;
  TargetOptions target;
  std::vector<std::string> set;
  std::uint64_t seed = 1;
};

int show_plans(const PlanCommand& options) {
  const Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const Result<Bindings> only = read_bindings(options.set);
  if (!only) return complain(only.error());
  const Result<std::vector<Check>> checks = select_checks(*installation, options.checks);
  if (!checks) return complain(checks.error());
  const Result<std::vector<Target>> targets = options.target.select(*installation);
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
          check, target, PlanOptions{.seed = options.seed, .only = *only, .base_dir = folder});
      if (!plan) return complain(plan.error());
      print(describe(*plan) + "\n");
      ++shown;
    }
  }
  return shown == 0 ? kExitNothing : kExitPassed;
}

}  // namespace

void add_plan(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("plan", "Says what would be done, and does nothing");
  auto options = std::make_shared<PlanCommand>();
  command->add_option("checks", options->checks, "ids, globs, catalogue numbers or scenario files")
      ->required();
  options->target.add_to(*command);
  command->add_option("--set", options->set, "only cases with this value of a parameter")
      ->type_name("NAME=VALUE");
  command->add_option("--seed", options->seed, "of everything that is drawn")
      ->capture_default_str();
  command->callback([options, &chosen] { chosen = [options] { return show_plans(*options); }; });
}

}  // namespace sockdrill
