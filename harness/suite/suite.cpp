#include "harness/suite/suite.h"

#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/suite/jobs.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

std::string file_name_for(const RunResult& result, std::size_t number) {
  std::string name = fmt::format("{}@{}-{}", result.check, result.target, number);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == ':' || c == ' '; }, '_');
  return name;
}

/// What did not pass is kept. The error is about the disk, not about the server.
Result<void> keep_artifacts(RunResult& result, const std::string& folder, std::size_t number) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail(fmt::format("cannot make the folder for artifacts: {}", error.message()), folder);
  const std::string path = fmt::format("{}/{}.jsonl", folder, file_name_for(result, number));
  if (const auto written = write_file(path, write_recording(*result.recording)); !written)
    return fail(fmt::format("cannot write the recording: {}", describe(written.error())), path);
  result.artifact = path;
  if (result.server_output.empty()) return {};
  const auto written = write_file(
      fmt::format("{}/{}.output.txt", folder, file_name_for(result, number)), result.server_output);
  if (!written)
    return fail(fmt::format("cannot write the server's output: {}", describe(written.error())),
                folder);
  return {};
}

int exit_code_of(const Totals& totals, const SuiteOptions& options, bool has_bad_input,
                 std::size_t not_started, bool lost_artifacts, bool was_interrupted) {
  if (was_interrupted) return kExitInterrupted;
  if (has_bad_input) return kExitUsage;
  if (totals.errors > not_started) return kExitOurError;
  if (totals.failed > 0) return kExitFailed;
  if (not_started > 0) return kExitNotStarted;
  if (lost_artifacts) return kExitOurError;
  if (totals.unknown > 0) return kExitUnknown;
  if (totals.run == totals.skipped) return kExitNothing;
  if (options.strict && totals.warned > 0) return kExitFailed;
  return kExitPassed;
}

RunResult skipped(const Check& check, const Target& target, const std::string& reason) {
  RunResult result{.check = check.first.id,
                   .target = target.name,
                   .summary = check.first.summary,
                   .level = check.first.level};
  result.verdict.grade = Grade::skip;
  result.verdict.reason = reason;
  return result;
}

/// Everything the workers share, and the lock around it.
struct Shared {
  std::mutex mutex;
  std::size_t next = 0;
  Totals totals;
  std::size_t not_started = 0;
  bool has_bad_input = false;
  bool lost_artifacts = false;
  std::set<std::string> dead_targets;  ///< their server did not start: no use in trying every check
  std::atomic<bool> is_over{false};
};

}  // namespace

int run_suite(const Home& home, const Installation& installation, const std::vector<Check>& checks,
              const std::vector<Target>& targets, const SuiteOptions& options,
              const std::vector<std::unique_ptr<Reporter>>& reporters,
              const std::atomic<bool>& interrupted) {
  const std::vector<Job> jobs = jobs_of(checks, targets, options);
  // Repeats of a pair are begun one after the other.
  const std::size_t runs = jobs.size() * options.repeat;
  const Caps caps = calibrated_caps();
  const Nanoseconds began = monotonic_now();
  Shared shared;
  for (const auto& reporter : reporters) reporter->begin(runs, checks.size(), targets.size());
  const auto should_interrupt = [&] {
    return interrupted.load(std::memory_order_relaxed) ||
           shared.is_over.load(std::memory_order_relaxed);
  };

  const auto finish = [&](RunResult result, std::size_t number) {
    const std::lock_guard lock(shared.mutex);
    // A run that was cut off by the user or by --fail-fast has no verdict of its own.
    if (should_interrupt() && result.verdict.reason == "interrupted") return;
    const bool passed = result.verdict.grade == Grade::pass || result.verdict.grade == Grade::skip;
    if ((!passed || options.keep_passes) && !options.artifacts.empty() && result.recording) {
      if (const Result<void> kept = keep_artifacts(result, options.artifacts, number); !kept) {
        if (!std::exchange(shared.lost_artifacts, true))
          static_cast<void>(
              std::fprintf(stderr, "sockdrill: %s\n", to_string(kept.error()).c_str()));
      }
    }
    if (result.verdict.did_not_start) {
      ++shared.not_started;
      shared.dead_targets.insert(result.target);
    }
    if (result.is_bad_input) shared.has_bad_input = true;
    shared.totals.add(result);
    for (const auto& reporter : reporters) reporter->add(result);
    const bool is_bad = result.verdict.grade == Grade::fail || result.verdict.grade == Grade::error;
    if (options.fail_fast && is_bad) shared.is_over = true;
  };
  const auto work = [&] {
    for (;;) {
      std::size_t number = 0;
      const Job* job = nullptr;
      bool is_dead = false;
      {
        const std::lock_guard lock(shared.mutex);
        if (shared.next == runs || should_interrupt()) return;
        number = shared.next++;
        job = &jobs[number / options.repeat];
        is_dead = shared.dead_targets.count(job->target->name) != 0;
      }
      if (is_dead) {
        finish(skipped(*job->check, *job->target, "the server did not start"), number);
        continue;
      }
      finish(
          run_one(home, installation, *job->check, *job->target, options, caps, should_interrupt),
          number);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::min<std::size_t>(options.jobs, std::max<std::size_t>(runs, 1));
         ++i)
      workers.emplace_back(work);
  }
  shared.totals.took = monotonic_now() - began;
  const bool was_interrupted = interrupted.load();
  const int code = exit_code_of(shared.totals, options, shared.has_bad_input, shared.not_started,
                                shared.lost_artifacts, was_interrupted);
  for (const auto& reporter : reporters) reporter->end(shared.totals, code, was_interrupted);
  return code;
}

Caps calibrated_caps() {
  // How long does it take to hand a byte to another thread and back? 20 microseconds on an idle
  // machine of today.
  Caps caps;
  SysResult<Pipe> to = make_pipe();
  SysResult<Pipe> from = make_pipe();
  if (!to || !from) return caps;
  constexpr int kRounds = 64;
  std::jthread echo([&] {
    char byte = 0;
    for (int i = 0; i < kRounds; ++i) {
      if (::read(to->read_end.raw(), &byte, 1) != 1 ||
          ::write(from->write_end.raw(), &byte, 1) != 1)
        return;
    }
  });
  const Nanoseconds began = monotonic_now();
  char byte = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (::write(to->write_end.raw(), &byte, 1) != 1 || ::read(from->read_end.raw(), &byte, 1) != 1)
      return caps;
  }
  const std::int64_t each_us = (monotonic_now() - began).count() / kRounds / 1000;
  const std::int64_t scale = std::clamp<std::int64_t>(each_us / 100, 1, 4);
  caps.step *= scale;
  caps.start *= scale;
  caps.stop *= scale;
  return caps;
}

}  // namespace sockdrill
