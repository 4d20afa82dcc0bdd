#pragma once

// The ways to make a scenario smaller, by theme. Internal to fuzz/.

#include "harness/fuzz/minimise.h"

namespace sockdrill {

std::vector<Reduction> reductions_of_steps(const Scenario& scenario);
std::vector<Reduction> reductions_of_octets(const Scenario& scenario);
std::vector<Reduction> reductions_of_faults(const Scenario& scenario);
std::vector<Reduction> reductions_of_schedule(const Scenario& scenario);

}  // namespace sockdrill
