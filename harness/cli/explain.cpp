#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

std::string describe_check(const Check& check) {
  const Scenario& scenario = check.first;
  std::string text =
      fmt::format("{}  ({}{})\n{}\n\n", scenario.id, to_string(scenario.level),
                  scenario.catalogue.empty() ? "" : ", " + scenario.catalogue, scenario.summary);
  if (!scenario.source.empty())
    text += fmt::format("source   {}\n", fmt::join(scenario.source, "; "));
  if (!scenario.catches.empty()) text += fmt::format("catches  {}\n", scenario.catches);
  text += fmt::format("file     {}\n", check.document.file);
  if (check.cases.size() > 1) {
    text += fmt::format("cases    {}:", check.cases.size());
    for (const Bindings& bindings : check.cases) text += fmt::format(" [{}]", to_string(bindings));
    text += "\n";
  }
  return text + "\n" + check.document.text + (check.document.text.ends_with('\n') ? "" : "\n");
}

}  // namespace

int carry_out(const ExplainArguments& arguments) {
  const Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const Result<std::vector<Check>> checks = select_checks(*installation, arguments.checks);
  if (!checks) return complain(checks.error());
  for (const Check& check : *checks) print(describe_check(check) + "\n");
  return kExitPassed;
}

}  // namespace sockdrill
