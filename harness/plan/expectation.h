#pragma once

// Whether what a client has heard meets an expectation. The player asks to know when to stop
// listening; the judge asks again, of the recording, to grade. Pure.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/plan/sent_stream.h"

namespace sockdrill {

enum class End { none, fin, reset };

/// What a client has heard and not yet used up, and what it knows about the server.
struct Heard {
  Content octets;                ///< streams
  std::deque<Content> messages;  ///< where boundaries are kept
  End end = End::none;
  bool is_served = false;     ///< everything this client sent has been taken and read
  bool is_firm_rest = false;  ///< nothing more will come unless a client does something
};

/// What a client has sent since its last expectation was met.
struct SentSoFar {
  SentStream stream;
  std::deque<Content> messages;
};

/// Why an outcome was missed.
struct Miss {
  std::string expected;  ///< in the script's words: `70,000 bytes, as sent, then fin`
  std::string actual;
  std::optional<std::uint64_t>
      differs_at;         ///< offset of the first wrong octet, or of the end that came too early
  Bytes expected_octets;  ///< around differs_at (from `window_from`), for the located dump
  Bytes actual_octets;
  std::uint64_t window_from = 0;
};

/// What a client that has connected hears before it does anything, where the server speaks first.
std::optional<PlannedExpect> greeting_of(const Dialogue& dialogue);

class Expectation final {
 public:
  enum class State { undecided, met, unmet };

  /// `expect` outlives the expectation.
  Expectation(const PlannedExpect& expect, SentSoFar sent, bool keeps_boundaries);

  /// Looks at everything heard so far. Cheap when called again with more: octets compared once are
  /// not compared again.
  State consider(const Heard& heard);

  /// met: which outcome, and how many octets (or messages) it takes.
  [[nodiscard]] std::size_t met_index() const { return met_index_; }
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  /// met: takes what has met it off what was heard, and off what was sent.
  void use_up(Heard& heard, SentSoFar& sent) const;
  /// unmet or undecided: the nearest miss, the outcome that got furthest.
  [[nodiscard]] Miss nearest_miss(const Heard& heard) const;

 private:
  struct Progress {
    State state = State::undecided;
    std::uint64_t good = 0;  ///< octets compared and found right
    std::uint64_t taken = 0;
    std::string why;  ///< unmet
    Content echo;     ///< what was sent, as far as it is to come back
    std::optional<std::uint64_t> differs_at;
  };
  void consider_one(std::size_t index, const Heard& heard);
  [[nodiscard]] const Content& wanted(std::size_t index) const;

  const PlannedExpect& expect_;
  SentSoFar sent_;
  bool keeps_boundaries_;
  std::vector<Progress> progress_;
  std::size_t met_index_ = 0;
  std::uint64_t taken_ = 0;
};

/// The outcome in the script's words: `"+PONG\r\n", then fin`.
std::string describe(const PlannedOutcome& outcome);
std::string describe(const PlannedExpect& expect);

}  // namespace sockdrill
