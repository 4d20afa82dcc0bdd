#include <cstdio>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/reports.h"
#include "harness/cli/selection.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

Result<void> read_shard(const std::string& text, SuiteOptions& suite) {
  if (text.empty()) return {};
  unsigned shard = 0;
  unsigned shards = 0;
  char rest = 0;
  const bool is_good = std::sscanf(text.c_str(), "%u/%u%c", &shard, &shards, &rest) == 2 &&
                       shard >= 1 && shard <= shards && shards <= 10000;
  if (!is_good)
    return fail(fmt::format("'{}': expected I/N with 1 <= I <= N, such as 2/5", text), "--shard");
  suite.shard = shard;
  suite.shards = shards;
  return {};
}

}  // namespace

int carry_out(const RunArguments& arguments) {
  Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const Selection& selection = arguments.selection;
  SuiteOptions suite = arguments.suite;
  if (const Result<void> shard = read_shard(arguments.shard, suite); !shard)
    return complain(shard.error());
  const Result<Bindings> only = read_bindings(selection.set);
  if (!only) return complain(only.error());
  suite.only = *only;
  suite.simulated = arguments.world == "simulated";
  const Result<std::vector<Check>> checks = select_checks(*installation, selection.checks);
  if (!checks) return complain(checks.error());
  const Result<std::vector<Target>> targets = select(*installation, selection.target);
  if (!targets) return complain(targets.error());
  if (checks->empty()) {
    static_cast<void>(complain(Error{"no check matches; `sockdrill list` shows them all", ""}));
    return kExitNothing;
  }
  suite.replay_options = repeat(selection.target);

  // Before any thread is made: from here on we live in namespaces of our own.
  Result<Home> home = enter_home(!arguments.no_isolation);
  if (!home) {
    static_cast<void>(complain(home.error()));
    return kExitOurError;
  }
  if (!home->isolated) {
    static_cast<void>(std::fprintf(
        stderr, "sockdrill: no isolation: %s; servers run on this host's loopback, one at a time\n",
        home->why_degraded.c_str()));
    suite.jobs = 1;
  }
  Result<Reports> reports =
      open_reports(arguments.reports, StandardOutput::console, arguments.verbose);
  if (!reports) return complain(reports.error());
  const int code = run_suite(*home, *installation, *checks, *targets, suite, reports->reporters,
                             catch_interrupts());
  const Result<void> written = finish(*reports);
  if (written) return code;
  static_cast<void>(complain(written.error()));
  return code == kExitPassed ? kExitOurError : code;
}

}  // namespace sockdrill
