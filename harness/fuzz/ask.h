#pragma once

// Requests that are only sent, as exchanges: what must come back is then part of the scenario, and
// whoever plays it can tell that it did not.

#include <functional>

#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

/// Sends of octets that are one whole request of the server's dialogue become exchanges of that
/// request: all at once if `is_same` says that this shows the same, or else each for which it does.
Scenario ask_for_replies(const Scenario& scenario, const Target& target,
                         const std::function<bool(const Scenario&)>& is_same);

}  // namespace sockdrill
