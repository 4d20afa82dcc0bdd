#include <fmt/format.h>

#include "harness/cli/command.h"
#include "harness/suite/suite.h"

namespace sockdrill {

int carry_out(const DoctorArguments& /*none*/) {
  const Result<Home> home = enter_home(true);
  if (!home) return complain(home.error());
  for (const Feature& feature : examine(*home)) {
    print(fmt::format("{} {:<28} {}\n", feature.available ? "yes" : "NO ", feature.name,
                      feature.detail));
    if (!feature.available && !feature.costs.empty())
      print(fmt::format("    {:<28} without it: {}\n", "", feature.costs));
  }
  print(home->isolated ? "\nEach server gets a stage of its own.\n"
                       : fmt::format("\nServers run without isolation: {}\n", home->why_degraded));
  return kExitPassed;
}

}  // namespace sockdrill
