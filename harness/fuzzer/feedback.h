#pragma once

// What a fuzzer goes by where the server's code says nothing (it was not built for fuzzing): which
// calls it makes from where, one after another, and what its clients get to see. Counters that
// libFuzzer takes for its own, beside those of a program that was built with
// -fsanitize=fuzzer-no-link.
//
// State without parsers: what a client is told is a class ("+OK", "-ERR", "220", the end), and two
// in turn are a feature, so that what leads on in a protocol is kept.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "harness/sim/libc/simulation.h"
#include "harness/simulated/quick_player.h"

namespace sockdrill {

class Feedback final {
 public:
  /// Hears of the server's calls from now on. `replies_are_requests`: an echo's replies say nothing
  /// of it. Outlives the simulation.
  Feedback(sim::Simulation& simulation, bool replies_are_requests);

  /// For QuickPlayerOptions.
  void on_outcome(const std::string& client, ClientOutcome outcome, std::string_view octets);
  /// Between inputs: clients of the next one are others.
  void forget_clients() { last_.clear(); }
  /// How many features have been seen at all.
  [[nodiscard]] static std::size_t seen();

 private:
  /// A feature, by its hash.
  static void count(std::uint64_t hash);
  void on_call(const sim::Task& task, const sim::CallSeen& call);
  /// Of what that client is told, this comes next.
  void follow(const std::string& client, const std::string& what);

  bool replies_are_requests_;
  std::uint64_t last_call_ = 0;
  std::unordered_map<std::string, std::uint64_t> last_;  ///< of each client
  std::unordered_set<std::string> classes_;              ///< bounded: octets may be anything
};

/// Hands libFuzzer the counters that the program was built with, if it was.
void adopt_counters_of_program();

}  // namespace sockdrill
