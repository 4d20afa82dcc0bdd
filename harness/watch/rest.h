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
  /// All "since the sockets came to rest":
  std::uint64_t sleeps_since = 0;  ///< voluntary switches; looked at only where a timer is involved
  Nanoseconds ran_since{0};        ///< CPU time
  Nanoseconds timer_over_at{0};    ///< the timeout of its wait has passed by then; zero: no timeout
  bool wakes_soon = false;         ///< a timer ends its present wait within kLongestTimeout
  bool is_untouched = false;       ///< has not run since it was last found at rest, and need not
                                   ///< have: no connection has ended unseen
};

struct RestView {
  std::vector<TaskView> tasks;  ///< without those that have ended
  Standing sockets;
  bool is_steady = false;                ///< an earlier dump showed the very same
  std::optional<bool> is_network_quiet;  ///< QuietNetwork, seen between A and S
  bool has_relay = false;                ///< packets pass through a relay of ours, empty after A
  Nanoseconds held_for{0};               ///< how long the sockets have stood like this
  bool polls = false;                    ///< WatchOptions::polls
  bool knows_timers = false;             ///< hidden timers (timerfd, timer_create) were looked for
  std::optional<Nanoseconds> timer;      ///< the last of them ends this long after the rest began
};

/// No timeout is waited for longer than this.
inline constexpr Nanoseconds kLongestTimeout = std::chrono::seconds(3);

RestReport decide(const RestView& view);

/// "thread 4711 is running".
std::string describe_activity(const TaskView& task);
/// Asleep from A to B, and not about to wake.
bool is_asleep(const TaskView& task);

/// A report of a server that is not at rest.
RestReport busy(std::string because);

}  // namespace sockdrill
