#pragma once

// Carries out a plan in a world and records everything. Judges nothing.

#include <functional>

#include "harness/play/client.h"
#include "harness/play/real_world.h"

namespace sockdrill {

struct PlayOptions {
  Caps caps;
  std::function<bool()> should_interrupt;  ///< asked often; true ends the run soon, in order
  /// A growth of resources is played again so many times: only what repeats is a leak.
  int rounds = 2;
  /// The server that an earlier plan of this world has left running is taken as it is, and is left
  /// running. One is started where there is none.
  bool keeps_server = false;
  /// Where memory is what grows: runtimes that collect garbage take more for a while.
  int memory_rounds = 5;
  /// Told when it begins where the events are put, for whoever must leave in the middle and wants
  /// to keep them. They are moved when play() returns.
  std::function<void(const std::vector<Event>& events)> on_begin;
};

struct Played {
  Recording recording;  ///< the head is the caller's to fill in
  OutputTail out;       ///< of the server
  OutputTail err;
  bool was_interrupted = false;
  bool was_started = false;  ///< the server came to listen
};

/// `world` is fresh. Blocks until the run is over; every wait in it is capped.
Played play(World& world, const Plan& plan, const PlayOptions& options);

}  // namespace sockdrill
