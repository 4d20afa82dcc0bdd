#include <chrono>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

std::string label_output(const OutputTail& out, const OutputTail& err) {
  std::string text;
  const auto add = [&](const char* label, const OutputTail& tail) {
    if (tail.total() == 0) return;
    text += fmt::format("--- {} ({})\n{}", label,
                        count_of(static_cast<std::size_t>(tail.total()), "byte"), tail.text());
    if (!text.ends_with('\n')) text += '\n';
  };
  add("stdout", out);
  add("stderr", err);
  return text;
}

std::string replay_command(const RunResult& result, const Check& check, const Target& target,
                           const SuiteOptions& options) {
  std::string command =
      fmt::format("sockdrill run {}",
                  quote_for_shell(result.is_bundled_check ? result.check : check.document.file));
  if (!options.replay_options.empty())
    command += " " + options.replay_options;
  else if (is_bundled(target.file))
    command += " -t " + quote_for_shell(target.name);
  else
    command += " -t " + quote_for_shell(target.file);
  if (options.seed != 1) command += fmt::format(" --seed {}", options.seed);
  const bool is_one_case =
      !result.verdict.findings.empty() && result.plan &&
      static_cast<std::size_t>(result.verdict.findings[0].case_index) < result.plan->cases.size();
  if (is_one_case) {
    for (const auto& [name, value] :
         result.plan->cases[static_cast<std::size_t>(result.verdict.findings[0].case_index)]
             .bindings) {
      command += fmt::format(
          " --set {}",
          quote_for_shell(fmt::format(
              "{}={}", name, value.is_string() ? value.get<std::string>() : value.dump())));
    }
  }
  return command;
}

/// What {libexec} and {targets} stand for.
std::map<std::string, std::string> places_of(const Installation& installation,
                                             const Target& target) {
  std::map<std::string, std::string> places{{"libexec", installation.libexec}};
  // The server starts in a folder of its own: a path from here would lead nowhere there.
  if (!target.file.empty())
    places["targets"] = std::filesystem::absolute(target.file).parent_path();
  return places;
}

void fill_head(Recording& recording, const Check& check, const Plan& plan, bool is_isolated) {
  recording.scenario = check.document.root;
  recording.scenario_file = check.document.file;
  recording.target = plan.target;
  recording.seed = plan.seed;
  for (const CasePlan& planned : plan.cases) recording.cases.push_back(planned.bindings);
  recording.isolated = is_isolated;
  recording.version = SOCKDRILL_VERSION;
}

RunResult skip(RunResult result, std::string reason) {
  result.verdict.grade = Grade::skip;
  result.verdict.reason = std::move(reason);
  return result;
}

RunResult our_error(RunResult result, std::string reason) {
  result.verdict.grade = Grade::error;
  result.verdict.reason = std::move(reason);
  return result;
}

}  // namespace

RunResult run_one(const Home& home, const Installation& installation, const Check& check,
                  const Target& target, const SuiteOptions& options, const Caps& caps,
                  const std::function<bool()>& should_interrupt) {
  const Nanoseconds began = monotonic_now();
  RunResult result{.check = check.first.id,
                   .target = target.name,
                   .summary = check.first.summary,
                   .level = check.first.level,
                   .source = check.first.source,
                   .catches = check.first.catches,
                   .scenario_file = check.document.file,
                   .scenario_text = check.document.text,
                   .is_bundled_check = is_bundled(check.document.file)};
  if (!is_bundled(target.file))
    result.server_file = target.file.empty() ? script_of(target.command) : target.file;
  result.replay_command = replay_command(result, check, target, options);
  if (const std::optional<std::string> reason = why_not(check.first, target))
    return skip(std::move(result), *reason);
  const std::map<std::string, std::string> places = places_of(installation, target);
  for (const std::string& need : target.needs) {
    const std::string wanted = fill_in(need, places);
    if (!is_there(wanted))
      return skip(std::move(result), fmt::format("{} is not installed", wanted));
  }
  if (check.first.applies.broadcast_link && !home.isolated)
    return skip(std::move(result),
                "a network with a broadcast address needs network namespaces (sockdrill doctor)");
  Result<Plan> plan =
      make_plan(check, target,
                PlanOptions{.seed = options.seed,
                            .only = options.only,
                            .base_dir = std::filesystem::path(check.document.file).parent_path()});
  if (!plan) {
    result.is_bad_input = true;
    return our_error(std::move(result), to_string(plan.error()));
  }
  if (plan->cases.empty()) return skip(std::move(result), plan->left_out);

  const RealWorldOptions world_options{.broadcast_link = plan->needs_broadcast_link,
                                       .placeholders = places};
  Result<std::unique_ptr<World>> world = make_real_world(home, plan->target, world_options);
  if (!world) return our_error(std::move(result), to_string(world.error()));
  Played played =
      play(**world, *plan, PlayOptions{.caps = caps, .should_interrupt = should_interrupt});
  fill_head(played.recording, check, *plan, home.isolated);
  result.verdict = judge(*plan, played.recording);
  if (played.was_interrupted) {
    result.verdict.grade = Grade::unknown;
    result.verdict.reason = "interrupted";
    result.verdict.findings.clear();
  }
  result.server_output = label_output(played.out, played.err);
  result.plan = std::move(*plan);
  result.recording = std::move(played.recording);
  result.took = monotonic_now() - began;
  result.replay_command = replay_command(result, check, target, options);
  return result;
}

Result<Plan> plan_of_recording(const Recording& recording) {
  const std::string name =
      recording.scenario_file.empty() ? "<recording>" : recording.scenario_file;
  const Check check = TRY(read_check(TRY(parse_document(recording.scenario.dump(1), name))));
  Plan plan = TRY(make_plan(
      check, recording.target,
      PlanOptions{.seed = recording.seed,
                  .base_dir = std::filesystem::path(recording.scenario_file).parent_path()}));
  // Only the cases that were played: their ids follow from their order.
  if (recording.cases.size() != plan.cases.size())
    plan = TRY(make_plan(
        check, recording.target,
        PlanOptions{.seed = recording.seed,
                    .only = recording.cases.empty() ? Bindings{} : recording.cases[0],
                    .base_dir = std::filesystem::path(recording.scenario_file).parent_path()}));
  return plan;
}

}  // namespace sockdrill
