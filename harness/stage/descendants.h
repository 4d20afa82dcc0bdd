#pragma once

// Who descends from a process, and who is at its end, from /proc. A process that ends meanwhile is
// a process less.

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/base/fd.h"

namespace sockdrill {

/// Live descendants (zombies not counted) of a process that has one thread, parents before
/// children.
std::vector<pid_t> live_descendants(pid_t root);

/// By an open /proc/PID/stat. The process may have other threads, and may be gone altogether.
bool has_main_thread_ended(Fd stat);

/// Live processes that were started with this word in their environment ("NAME=value"), whatever
/// became of their parents.
std::vector<pid_t> live_processes_with(const std::string& environment_word);

}  // namespace sockdrill
