#pragma once

// What the judges of steps have in common. Internal to judge/.

#include "harness/judge/walk.h"

namespace sockdrill {

/// The first event of a kind among a step's; null for none.
const Event* find(const Walk& walk, const std::vector<std::size_t>& events, Kind kind);
/// Says which step a finding is about, and what it rests on.
void place(Finding& finding, const PlannedStep& step, const std::vector<std::size_t>& events);
/// UNKNOWN: the step had not ended when its cap was reached.
void undecided(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events);
/// A server's step.
void judge_server_step(Walk& walk, const PlannedStep& step, const ServerAction& action,
                       const std::vector<std::size_t>& events);

}  // namespace sockdrill
