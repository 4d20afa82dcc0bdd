#pragma once

// Inputs that were played one after the other, as one scenario: for what only their history shows.

#include <vector>

#include "harness/scenario/scenario.h"

namespace sockdrill {

/// Each has its own faults and schedule. After each but the last its clients leave, a fresh client
/// is served as the probe is, without faults, and the server comes to rest. `inputs` are not empty.
Scenario join(const std::vector<Scenario>& inputs, Transport transport);

}  // namespace sockdrill
