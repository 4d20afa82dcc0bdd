#pragma once

// A task of the simulated server as /proc would show it. Internal to simulated/.

#include "harness/sim/tasks/task.h"
#include "harness/watch/waits.h"

namespace sockdrill {

/// What it waits for, as of `now`.
Wait wait_of(const sim::Task& task, Nanoseconds now);
/// Or would, if it had not used up its time for now: it waits for nothing.
bool runs(const sim::Task& task);
/// 'T', 'R' or 'S'.
char state_of(const sim::Task& task);

}  // namespace sockdrill
