#pragma once

// Inputs that were played one after the other, as one scenario: for what only their history shows.

#include <vector>

#include "harness/scenario/scenario.h"

namespace sockdrill {

/// Each has its own faults and schedule. After each but the last the server comes to rest, its
/// clients leave, a fresh client is served as the probe is, without faults, and the server is
/// settled twice: the second time stands for what it waits for between two inputs. The server is
/// asked the same as by one after the other. `inputs` are not empty.
Scenario join(const std::vector<Scenario>& inputs, Transport transport);

}  // namespace sockdrill
