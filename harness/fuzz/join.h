#pragma once

// Inputs that were played one after the other, as one scenario: for what only their history shows.

#include <vector>

#include "harness/scenario/scenario.h"

namespace sockdrill {

/// After each but the last its clients leave, a fresh client is served as the probe is, and the
/// server comes to rest. Faults and schedule are the last one's: those of the others would count
/// the calls of all. `inputs` are not empty.
Scenario join(const std::vector<Scenario>& inputs);

}  // namespace sockdrill
