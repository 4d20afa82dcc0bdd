#pragma once

// Makes a scenario playable by the smallest change: what the fuzzer decodes is legal.
//
// A step that can never run is left out; a client that does something before it is there connects
// first; a server that is stopped at the end is continued. What the target cannot be sent is
// brought within its bounds. A scenario that make_plan() takes stays as it is.

#include <cstdint>

#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

inline constexpr int kDeepestPayload = 8;  ///< payloads in payloads
inline constexpr int kDeepestRepeat = 4;   ///< repeats in repeats

/// How much a scenario may ask for; beyond it, counts are lowered and steps left out. The defaults
/// take whatever a person would write.
struct Budget {
  std::uint64_t steps = 400'000;                   ///< unrolled
  std::uint64_t octets = std::uint64_t{1} << 30U;  ///< of all payloads, unrolled
};
/// Of an input that is to be played very often: what is large is slow, and finds nothing more.
inline constexpr Budget kInputBudget{.steps = 64, .octets = std::uint64_t{1} << 17U};

Scenario make_legal(Scenario scenario, const Target& target, const Budget& budget = {});

/// The exchange that a request is of; nothing when the dialogue has none.
const Exchange* exchange_of(const Payload& request, const Dialogue& dialogue);

}  // namespace sockdrill
