#pragma once

// One run in the simulated world: the server is started with libsockdrill-sim.so preloaded and
// plays the plan inside itself; we wait for what it leaves.

#include <functional>
#include <string>

#include "harness/play/player.h"
#include "harness/play/target_launch.h"

namespace sockdrill {

/// Why there is no recording.
struct NoPlay {
  bool is_our_error = false;  ///< else something is missing: the server cannot be simulated
  std::string reason;
};

/// `head` is the recording's head, without events; `places` what {libexec} and {targets} stand for.
/// Blocks, at most for a minute of real time.
tl::expected<Played, NoPlay> play_simulated(const Home& home, const Plan& plan,
                                            const Recording& head, const Placeholders& places,
                                            const std::function<bool()>& should_interrupt);

}  // namespace sockdrill
