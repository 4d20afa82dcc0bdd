#pragma once

// The smallest scenario that still shows what a bigger one showed: steps, octets, faults and
// schedule shrink each on their own.
//
// Pure but for the predicate, which plays a scenario and says whether the finding is still there.
// It is given legal scenarios only.

#include <cstdint>
#include <functional>
#include <vector>

#include "harness/fuzz/legal.h"

namespace sockdrill {

using StillFails = std::function<bool(const Scenario&)>;

enum class Theme {
  steps,    ///< left out; repeats and crowds smaller, or unfolded
  octets,   ///< payloads shorter and plainer, fewer cuts, buffers of the usual size
  faults,   ///< left out, or striking earlier
  schedule  ///< fewer choices, none drawn
};

/// One way to make a scenario smaller. It is for the very scenario that it was made from.
using Reduction = std::function<void(Scenario&)>;
/// All of a theme, the boldest first.
std::vector<Reduction> reductions_of(const Scenario& scenario, Theme theme);

struct Minimised {
  Scenario scenario;
  std::size_t trials = 0;  ///< how often the predicate was asked
};

/// `scenario` fails. The predicate is asked at most `most_trials` times.
Minimised minimise(Scenario scenario, const Target& target, Theme theme,
                   const StillFails& still_fails, std::size_t most_trials = 10'000);
/// All themes in turns, until none finds anything more.
Minimised minimise(Scenario scenario, const Target& target, const StillFails& still_fails,
                   std::size_t most_trials = 10'000);

using StillFailTogether = std::function<bool(const std::vector<Scenario>&)>;

/// Of inputs that fail when they are played one after the other, those that are needed for it, in
/// their order.
std::vector<Scenario> minimise_inputs(std::vector<Scenario> inputs,
                                      const StillFailTogether& still_fail, std::size_t most_trials);

}  // namespace sockdrill
