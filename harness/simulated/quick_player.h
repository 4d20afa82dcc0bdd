#pragma once

// Scenarios one after another on one running server, for their effect on the server alone: what a
// fuzzer does a hundred thousand times where play() and judge() would do it once.
//
// Nothing is recorded and no step's expectation is judged; asked is what must hold whatever clients
// do. What it suspects is a reason to play() the scenario, or the scenarios before it, on a fresh
// server and have that judged.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "harness/plan/plan.h"
#include "harness/sim/libc/simulation.h"
#include "harness/target/target.h"

namespace sockdrill {

struct Suspicion {
  std::string rule;  ///< as a finding's: "invariant/descriptors"
  std::string what;  ///< "2 descriptors more than before"
};

/// What a client gets to see of the server.
enum class ClientOutcome { octets, end, error };

/// Why one that runs and listens is not started all the same.
inline constexpr const char* kServesNobody = "the server does not serve its first client";

struct QuickPlayerOptions {
  // Where the server was told to listen.
  std::uint16_t port = 0;
  std::string path;  ///< AF_UNIX
  /// Told of each, for whoever goes by them; `octets` that came at a time, or none.
  std::function<void(const std::string& client, ClientOutcome outcome, std::string_view octets)>
      on_outcome;
  /// Process::held_octets are counted: what grows with every input is leaked.
  bool knows_memory = false;
  /// Told when an input is played once more, to see whether its memory grows again; may be empty.
  std::function<void()> on_play_again;
};

class QuickPlayer final {
 public:
  /// `simulation` and `target` outlive this.
  QuickPlayer(sim::Simulation& simulation, const Target& target, const QuickPlayerOptions& options);
  ~QuickPlayer();
  QuickPlayer(const QuickPlayer&) = delete;
  QuickPlayer& operator=(const QuickPlayer&) = delete;

  /// Starts the server and has it serve one client. The error: why it does not.
  Result<void> start();
  [[nodiscard]] bool is_alive() const;

  /// The first case. Afterwards every client is gone, and so is whatever TCP keeps of them. Steps
  /// that outlive the case (limits, signals, restarts) are left out.
  std::optional<Suspicion> play(const Plan& plan);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sockdrill
