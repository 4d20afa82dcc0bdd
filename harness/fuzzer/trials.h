#pragma once

// One scenario on a fresh server in a child process of its own: what an earlier one has left behind
// in the heap, in libraries or in the simulation has no part in it, and a crash ends nobody else.

#include <functional>
#include <optional>
#include <string>

#include "harness/fuzz/legal.h"
#include "harness/scenario/scenario.h"
#include "harness/sim/libc/simulation.h"
#include "harness/simulated/quick_player.h"
#include "harness/target/target.h"

namespace sockdrill {

/// The error: why a scenario cannot be an input. What outlives it, or has no end in it (a limit, a
/// signal, a second instance), would be blamed on the server, or on the next input.
Result<Plan> plan_of_input(const Scenario& scenario, const Target& target);

/// What an input's octets are: a scenario in the compact form, or, for corpora that people keep, as
/// JSON (of a check its first case), which the first octet tells.
Result<Scenario> scenario_of_input(std::string_view octets, const Target& target);
/// The compact form of either, within kInputBudget; nothing of JSON that is no such scenario.
std::optional<Bytes> form_of_input(std::string_view octets, const Target& target);

class Trials final {
 public:
  /// No simulation may be there yet. The child has `seconds` of processor time.
  Trials(sim::ServerProgram program, sim::ServerMemory memory, Target target,
         QuickPlayerOptions place, int seconds = 20);

  /// What is wrong with the server; nothing when all that must hold holds. Of a crash the rule is
  /// "crash", and `what` names its kind and place as far as the child's output tells them. `calls`
  /// (nullptr: nobody asks, which is much faster) is given the server's last ones, the eldest
  /// first, a line each: "7: recv(5, 4096) = -1 ECONNRESET".
  std::optional<Suspicion> play(const Scenario& scenario, std::string* calls = nullptr) {
    return play(scenario, calls, false);
  }
  /// The same, told in brief: what a sanitizer reports has its kind and the number of its place,
  /// which takes no symbolizer and much less time.
  std::optional<Suspicion> play_briefly(const Scenario& scenario);
  /// The same scenario, recorded and judged: what the judge says to people. "": that nothing is
  /// wrong.
  std::string explain(const Scenario& scenario);
  /// Of the scenario that was explained last, as a file of JSON Lines; "" before.
  [[nodiscard]] const std::string& recording() const { return recording_; }

  /// Given to the simulation in each child.
  std::function<void(const sim::Task&, int signal, std::optional<std::uintptr_t> address)> on_crash;

  /// What the last child wrote to stdout and stderr, the server among it.
  [[nodiscard]] const std::string& output() const { return output_; }
  [[nodiscard]] const Target& target() const { return target_; }

 private:
  template <typename Body>
  std::string in_child(Body body);
  void say(const std::string& text) const;
  std::optional<Suspicion> play(const Scenario& scenario, std::string* calls, bool is_brief);

  sim::ServerProgram program_;
  sim::ServerMemory memory_;
  Target target_;
  QuickPlayerOptions place_;
  int seconds_;
  int ended_as_ = 0;  ///< the child, as wait(2) gives it
  int said_ = -1;     ///< of the child: a file for what it has to say
  bool was_late_ = false;
  std::string output_;
  std::string recording_;
};

/// AddressSanitizer has something to report: the child of a trial that is told in brief says it and
/// ends. For all others nothing happens.
void report_briefly();
/// Where a sanitizer's report or ours begins in what a server has written, whose own log may have
/// errors of its own; npos: nowhere.
std::size_t find_report(const std::string& output);
/// "AddressSanitizer: heap-buffer-overflow in echo()", from a sanitizer's report; "" without one.
std::string crash_in(const std::string& output);
/// A server whose crash was contained tells no more than that it died: where, its stack says, which
/// is in the output. "" when there is none.
std::string place_of_crash(const std::string& output);

}  // namespace sockdrill
