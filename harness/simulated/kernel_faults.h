#pragma once

// A scenario's faults as the simulated kernel's. Internal to simulated/.

#include <vector>

#include "harness/scenario/faults.h"
#include "harness/sim/kernel/faults.h"

namespace sockdrill {

/// CallFault::id is the place in `faults`.
std::vector<sim::CallFault> to_kernel(const std::vector<Fault>& faults);

}  // namespace sockdrill
