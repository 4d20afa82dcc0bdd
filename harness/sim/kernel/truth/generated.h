#pragma once

// Scripts that nobody thought of: calls drawn from a seed, on connections, pairs and an epoll.

#include <cstdint>

#include "harness/sim/kernel/truth/script.h"

namespace sockdrill::sim {

/// Plays some forty calls. The same seed gives the same calls whatever is answered.
void play_generated(Script& script, std::uint64_t seed);

}  // namespace sockdrill::sim
