// `judge` and `replay`: what can be done with a stored recording.

#include <unistd.h>

#include <atomic>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/plan/replan.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

Result<Recording> read_recording_file(const std::string& file) {
  const SysResult<std::string> text = read_file(file);
  if (!text) return fail(fmt::format("cannot be read: {}", describe(text.error())), file);
  return read_recording(*text, file);
}

int code_of(Grade grade, bool did_not_start) {
  if (did_not_start) return kExitNotStarted;
  if (grade == Grade::fail) return kExitFailed;
  if (grade == Grade::error) return kExitOurError;
  return grade == Grade::unknown ? kExitUnknown : kExitPassed;
}

}  // namespace

int carry_out(const JudgeArguments& arguments) {
  Result<Recording> recording = read_recording_file(arguments.recording);
  if (!recording) return complain(recording.error());
  Result<Plan> plan = plan_of_recording(*recording);
  if (!plan) return complain(plan.error());
  const Verdict verdict = judge(*plan, *recording);
  const Scenario& scenario = plan->scenario;
  RunResult result{.check = scenario.id,
                   .target = recording->target.name,
                   .summary = scenario.summary,
                   .level = scenario.level,
                   .source = scenario.source,
                   .catches = scenario.catches,
                   .scenario_file = recording->scenario_file,
                   .scenario_text = recording->scenario.dump(1),
                   .verdict = verdict};
  result.plan = std::move(*plan);
  result.recording = std::move(*recording);
  result.replay_command = "sockdrill replay " + arguments.recording;
  const bool color = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  if (verdict.findings.empty())
    print(fmt::format("{} {} on {}{}\n", to_string(verdict.grade), result.check, result.target,
                      verdict.reason.empty() ? "" : ": " + verdict.reason));
  else
    print(explain(result, color));
  return code_of(verdict.grade, verdict.did_not_start);
}

int carry_out(const ReplayArguments& arguments) {
  const std::string& file = arguments.recording;
  const Result<Recording> recording = read_recording_file(file);
  if (!recording) return complain(recording.error());
  const Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const std::string name = recording->scenario_file.empty() ? file : recording->scenario_file;
  Result<Document> document = parse_document(recording->scenario.dump(1), name);
  if (!document) return complain(document.error());
  Result<Check> check = read_check(std::move(*document));
  if (!check) return complain(check.error());
  const Result<Home> home = enter_home(true);
  if (!home) return complain(home.error());
  // What was recorded without faults is asked of the real kernel, wherever it was recorded.
  SuiteOptions options{.seed = recording->seed, .simulated = check->first.needs_simulated_kernel()};
  if (recording->cases.size() == 1) options.only = recording->cases[0];
  std::vector<std::unique_ptr<Reporter>> reporters;
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  reporters.push_back(make_console_reporter(
      print, ConsoleOptions{.color = is_terminal && std::getenv("NO_COLOR") == nullptr,
                            .progress = is_terminal,
                            .verbose = true}));
  const std::atomic<bool> is_interrupted{false};
  return run_suite(*home, *installation, {*check}, {recording->target}, options, reporters,
                   is_interrupted);
}

}  // namespace sockdrill
