#include <filesystem>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/suite/descriptors.h"
#include "harness/suite/run_simulated.h"
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
  if (options.simulated) command += " --world simulated";
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

void fill_head(Recording& recording, const Check& check, const Plan& plan, bool is_isolated) {
  recording.scenario = check.document.root;
  recording.scenario_file = check.document.file;
  recording.target = plan.target;
  recording.seed = plan.seed;
  for (const CasePlan& planned : plan.cases) recording.cases.push_back(planned.bindings);
  recording.isolated = is_isolated;
  recording.version = version();
}

tl::expected<Played, NoPlay> play_for_real(const Home& home, const Plan& plan,
                                           const Placeholders& places, const Caps& caps,
                                           const std::function<bool()>& should_interrupt) {
  const DescriptorPool::Share share =
      descriptor_pool().take(descriptors_for(plan), should_interrupt);
  const RealWorldOptions options{.broadcast_link = plan.needs_broadcast_link,
                                 .has_process_limit = plan.needs_process_limit,
                                 .placeholders = places};
  Result<std::unique_ptr<World>> world = make_real_world(home, plan.target, options);
  if (!world)
    return tl::unexpected(NoPlay{.is_our_error = true, .reason = to_string(world.error())});
  return play(**world, plan, PlayOptions{.caps = caps, .should_interrupt = should_interrupt});
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
  const Placeholders places = places_of(installation, target);
  for (const std::string& need : target.needs) {
    const std::string wanted = fill_in(need, places);
    if (find_program(wanted).empty())
      return skip(std::move(result), fmt::format("{} is not installed", wanted));
  }
  if (check.first.applies.broadcast_link && !home.isolated && !options.simulated)
    return skip(std::move(result),
                "a network with a broadcast address needs network namespaces (sockdrill doctor)");
  if (check.first.needs_simulated_kernel() && !options.simulated)
    return skip(std::move(result),
                "no real kernel can be asked for its faults or its schedule: --world simulated");
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
  if (plan->needs_low_ports && !options.simulated && !has_low_ports(home))
    return skip(std::move(result),
                "ports below 1024 are everybody's on this host (ip_unprivileged_port_start)");
  if (plan->needs_process_limit && !options.simulated && !why_no_process_limit().empty())
    return skip(
        std::move(result),
        fmt::format("a limit of processes needs seccomp notifications: {} (sockdrill doctor)",
                    why_no_process_limit()));

  Recording head;
  fill_head(head, check, *plan, home.isolated);
  tl::expected<Played, NoPlay> played =
      options.simulated ? play_simulated(home, *plan, head, places, should_interrupt)
                        : play_for_real(home, *plan, places, caps, should_interrupt);
  if (!played) {
    return played.error().is_our_error ? our_error(std::move(result), played.error().reason)
                                       : skip(std::move(result), played.error().reason);
  }
  head.events = std::move(played->recording.events);
  played->recording = std::move(head);
  result.verdict = judge(*plan, played->recording);
  if (played->was_interrupted) {
    result.verdict.grade = Grade::unknown;
    result.verdict.reason = "interrupted";
    result.verdict.findings.clear();
  }
  result.server_output = label_output(played->out, played->err);
  result.plan = std::move(*plan);
  result.recording = std::move(played->recording);
  result.took = monotonic_now() - began;
  result.replay_command = replay_command(result, check, target, options);
  return result;
}

}  // namespace sockdrill
