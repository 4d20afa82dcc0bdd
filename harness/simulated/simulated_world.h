#pragma once

// The simulated world: a server's program on a simulated kernel, inside our own process, and
// clients that are sockets of that kernel. Time is virtual: waiting costs nothing, and a run is the
// same every time.
//
// What the real world has to find out by watching is known here: rest, resources and states are
// answered exactly.

#include <memory>
#include <string>

#include "harness/plan/plan.h"
#include "harness/play/world.h"
#include "harness/sim/libc/simulation.h"
#include "harness/target/target.h"

namespace sockdrill {

struct SimulatedWorldOptions {
  // Where the server was told to listen.
  std::uint16_t port = 0;
  std::string path;  ///< AF_UNIX
  /// Files that are the server's real descriptors 1 and 2, read at our own offsets; -1: none.
  int output_fd = -1;
  int errors_fd = -1;
  bool broadcast_link = false;
};

/// `simulation` and `target` outlive the world.
std::unique_ptr<World> make_simulated_world(sim::Simulation& simulation, const Target& target,
                                            const SimulatedWorldOptions& options);

/// The first thing in a plan that this world cannot do ("a program beside the server"); ""
/// when there is none.
std::string not_simulated_of(const Plan& plan);

}  // namespace sockdrill
