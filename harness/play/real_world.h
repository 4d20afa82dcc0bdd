#pragma once

// The real world: sockets of the kernel inside a stage, a server that is a process, watched from
// outside.

#include <memory>

#include "harness/play/target_launch.h"
#include "harness/play/world.h"
#include "harness/target/target.h"

namespace sockdrill {

struct RealWorldOptions {
  bool broadcast_link = false;
  bool has_process_limit = false;
  Placeholders placeholders;  ///< {libexec}, {targets}: what the caller knows of the installation
};

/// Builds the stage; starts nothing in it yet. `home` and `target` outlive the world. The error is
/// ours or the machine's.
Result<std::unique_ptr<World>> make_real_world(const Home& home, const Target& target,
                                               const RealWorldOptions& options);

}  // namespace sockdrill
