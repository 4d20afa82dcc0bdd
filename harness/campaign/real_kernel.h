#pragma once

// What the real kernel has to say to a finding. Internal to campaign/.

#include <atomic>
#include <optional>
#include <string>

#include "harness/campaign/folder.h"
#include "harness/suite/suite.h"

namespace sockdrill {

class RealKernel final {
 public:
  /// Both outlive this.
  RealKernel(const Home& home, const Installation& installation)
      : home_(home), installation_(installation) {}

  /// Why no campaign can be on that server: it does not listen where it was told to, within
  /// `patience` and as long as servers may take, or serves nobody. "": nothing is in the way.
  [[nodiscard]] std::string why_not_fuzzed(const Target& target, Nanoseconds patience,
                                           const std::atomic<bool>& interrupted) const;
  /// A scenario that no file holds; `file`: what it is called in messages.
  [[nodiscard]] RunResult play(const Scenario& scenario, const std::string& file,
                               const Target& target, const Caps& caps,
                               const std::atomic<bool>& interrupted) const;
  /// Plays a finding's there: how it ended.
  [[nodiscard]] Verdict play(const FuzzFinding& finding, const Target& target,
                             const std::atomic<bool>& interrupted) const;
  /// Nothing: it was not decided.
  static std::optional<bool> fails(const Verdict& verdict);
  /// It listens, and its first client, before any of the scenario's, is not served: what it speaks
  /// is not what it was said to speak.
  static bool serves_nobody(const Verdict& verdict);
  /// How it ended, in words.
  [[nodiscard]] std::string look_at(const FuzzFinding& finding, const Target& target,
                                    const std::atomic<bool>& interrupted) const;

 private:
  const Home& home_;
  const Installation& installation_;
};

/// What to say of a server that runs and listens, and serves nobody.
std::string serves_nobody(const Target& target);

/// Writes into a finding's files what was found out since: where it lies and what it is called,
/// what the real kernel shows, how bad it is. `was`: the folder it was written into.
Result<void> complete_finding(const FuzzFinding& finding, const std::string& was);

}  // namespace sockdrill
