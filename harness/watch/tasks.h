#pragma once

// What /proc says about one task (thread): pure parsers of its small files. A file of a task that
// ended meanwhile is empty or unreadable; every parser answers that with nothing.

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockdrill {

/// /proc/T/schedstat.
struct SchedStat {
  std::uint64_t ran_ns = 0;       ///< CPU time; of a running task as of the last tick
  std::uint64_t runnable_ns = 0;  ///< time spent waiting for a CPU
  std::uint64_t runs = 0;         ///< times that the task was given a CPU
  bool operator==(const SchedStat&) const = default;
};
std::optional<SchedStat> parse_schedstat(std::string_view text);

/// /proc/T/stat, the fields that we use.
struct TaskStat {
  std::string name;  ///< up to 15 octets of anything, parentheses and spaces included
  char state = '?';
  pid_t parent = 0;
  std::uint64_t children_ticks = 0;  ///< user and system time of reaped children, in clock ticks
  std::uint64_t start_ticks = 0;     ///< when it was made, in clock ticks since boot
  bool operator==(const TaskStat&) const = default;
};
std::optional<TaskStat> parse_task_stat(std::string_view text);

/// Zombie or dead: it will not run again.
inline bool has_ended(char state) { return state == 'Z' || state == 'X' || state == 'x'; }

/// /proc/T/syscall of a task that is off the CPU.
struct SyscallLine {
  static constexpr long kOutside = -1;     ///< asleep, but not in a system call (a page fault)
  static constexpr long kUnreadable = -2;  ///< we were not allowed to see
  long number = kOutside;
  std::array<std::uint64_t, 6> arguments{};
  bool operator==(const SyscallLine&) const = default;
};
/// Nothing for "running", and for what cannot be understood.
std::optional<SyscallLine> parse_syscall(std::string_view text);

/// The count behind `key` ("voluntary_ctxt_switches") in /proc/T/status.
std::optional<std::uint64_t> parse_status_count(std::string_view text, std::string_view key);

/// The pid that was given to the latest new task, the last word of /proc/loadavg.
std::optional<pid_t> parse_latest_pid(std::string_view text);

/// A list of numbers such as /proc/T/children.
std::vector<pid_t> parse_pids(std::string_view text);

}  // namespace sockdrill
