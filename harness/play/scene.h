#pragma once

// What everybody on the stage shares: the world, the time, the timeline.

#include "harness/plan/plan.h"
#include "harness/play/loop.h"
#include "harness/play/observer.h"
#include "harness/play/recorder.h"
#include "harness/play/spin.h"

namespace sockdrill {

/// Caps for hangs, never verdicts on speed; scaled to the machine by the caller.
struct Caps {
  Nanoseconds step = std::chrono::seconds(10);   ///< one step of a client, one wait for rest
  Nanoseconds start = std::chrono::seconds(10);  ///< the server listens
  Nanoseconds stop =
      std::chrono::seconds(5);  ///< the server exits after its stop signal; then SIGKILL
};

/// All that is referred to outlives whoever is given one.
struct Scene {
  World& world;
  Loop& loop;
  Recorder& recorder;
  Observer& observer;
  Sampler& sampler;  ///< of both: who sees the server spin has seen it for the other
  const Plan& plan;
  Caps caps;
};

}  // namespace sockdrill
