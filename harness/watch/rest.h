#pragma once

// The decision: from what was seen at A, S and B to a RestReport. Pure.
//
//   A  each thread's run count was read, *then* its /proc/T/syscall: it was off the CPU
//   S  the sockets
//   B  each thread's state was read, *then* its run count
// The orders matter. Read the other way round, a thread could run between the two reads of A, or
// be woken, run and sleep again between the two reads of B, without being noticed.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/watch/standing.h"
#include "harness/watch/waits.h"
#include "harness/watch/watch.h"

namespace sockdrill {

/// One thread as seen at A and B.
struct TaskView {
  pid_t pid = 0;
  pid_t tid = 0;
  bool was_off_cpu = false;  ///< at A
  std::uint64_t runs_a = 0;
  char state = '?';  ///< at B
  std::uint64_t runs_b = 0;
  Wait wait;
  std::uint64_t runs_since = 0;      ///< since the sockets came to rest
  std::uint64_t switches_since = 0;  ///< voluntary ones; of blind sleepers only
  Nanoseconds ran_since{0};          ///< CPU time, likewise
  bool is_untouched = false;         ///< has not run since it was last found at rest
};

struct RestView {
  std::vector<TaskView> tasks;  ///< without those that have ended
  Standing sockets;
  bool is_steady = false;            ///< an earlier dump showed the very same
  bool is_network_quiet = false;     ///< no packet was queued in the kernel between A and S
  Nanoseconds held_for{0};           ///< how long the sockets have stood like this
  bool polls = false;                ///< WatchOptions::polls
  bool knows_timers = false;         ///< hidden timers (timerfd, timer_create) were looked for
  std::optional<Nanoseconds> timer;  ///< the longest-lasting of those found
};

RestReport decide(const RestView& view);

/// "thread 4711 is running".
std::string describe_activity(const TaskView& task);
/// Asleep from A to B, and not about to wake.
bool is_asleep(const TaskView& task);

}  // namespace sockdrill
