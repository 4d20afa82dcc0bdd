#pragma once

// Asking another process about itself: its memory, the options of its sockets, its hidden timers.
// All of it needs the right to trace the process; what is refused comes back as "unknown".

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/watch/waits.h"

namespace sockdrill {

/// Reads the memory of a process.
ReadMemory memory_of(pid_t pid);

/// SO_SNDTIMEO or SO_RCVTIMEO of a process's socket; zero when there is none, or it is no socket.
/// Nothing when it cannot be asked (no pidfd_getfd(2), no right).
std::optional<Nanoseconds> socket_timeout(pid_t pid, int descriptor, bool is_output);

/// The time to the next expiry of an armed timerfd, from its /proc/PID/fdinfo/FD; nothing when it
/// is not armed.
std::optional<Nanoseconds> parse_timerfd(std::string_view fdinfo);

/// The longest time to the next expiry among the armed timerfds and the POSIX timers of these
/// processes, of those within `horizon`; nothing when there are none. Of a POSIX timer only the
/// existence can be seen: the horizon stands for it. An alarm(2) cannot be seen at all.
std::optional<Nanoseconds> find_timers(const std::vector<pid_t>& pids, Nanoseconds horizon);

}  // namespace sockdrill
