#pragma once

// Who descends from a process, from /proc. A process that ends meanwhile is a process less.

#include <sys/types.h>

#include <string>
#include <vector>

namespace sockdrill {

/// Live descendants (zombies not counted) of a process that has one thread, parents before
/// children.
std::vector<pid_t> live_descendants(pid_t root);

/// Live processes that were started with this word in their environment ("NAME=value"), whatever
/// became of their parents.
std::vector<pid_t> live_processes_with(const std::string& environment_word);

}  // namespace sockdrill
