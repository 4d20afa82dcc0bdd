#pragma once

// A plan again, from what a recording says of itself.

#include "harness/plan/plan.h"
#include "harness/recording/recording.h"

namespace sockdrill {

/// From the head alone. The error is about the scenario in it.
Result<Plan> plan_of_recording(const Recording& recording);

}  // namespace sockdrill
