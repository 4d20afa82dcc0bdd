#pragma once

// The check x target matrix: selection, jobs, shards, repeats, progress.

#include <atomic>
#include <memory>

#include "harness/play/player.h"
#include "harness/report/report.h"
#include "harness/suite/select.h"

namespace sockdrill {

struct SuiteOptions {
  unsigned jobs = 1;
  unsigned shard = 1;  ///< this one of ...
  unsigned shards = 1;
  unsigned repeat = 1;
  std::uint64_t seed = 1;
  Bindings only;
  bool strict = false;
  bool fail_fast = false;
  bool simulated = false;      ///< the simulated world; else the real one
  std::string artifacts;       ///< folder; "" for none
  bool keep_passes = false;    ///< artifacts of what passed, too
  std::string replay_options;  ///< what a replay needs besides check and target: `--exec '...'
                               ///< --speaks redis`
};

/// Exit codes of the command.
inline constexpr int kExitPassed = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotStarted = 3;
inline constexpr int kExitNothing = 4;
inline constexpr int kExitUnknown = 5;
inline constexpr int kExitOurError = 70;
inline constexpr int kExitInterrupted = 130;

/// One pair, planned, played and judged. Blocks. Thread-safe for different calls.
RunResult run_one(const Home& home, const Installation& installation, const Check& check,
                  const Target& target, const SuiteOptions& options, const Caps& caps,
                  const std::function<bool()>& should_interrupt);

/// All pairs of which the check is for the target (and those it is not for, as SKIP). Returns the
/// exit code.
int run_suite(const Home& home, const Installation& installation, const std::vector<Check>& checks,
              const std::vector<Target>& targets, const SuiteOptions& options,
              const std::vector<std::unique_ptr<Reporter>>& reporters,
              const std::atomic<bool>& interrupted);

/// Caps for hangs, scaled to how slow the machine is at this moment (at most fourfold).
Caps calibrated_caps();

}  // namespace sockdrill
