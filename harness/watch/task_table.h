#pragma once

// The server's threads as files that are held open: one pread(2) a question.
//
// A descriptor of /proc stands for one task for ever, so a reused pid cannot be mistaken for an old
// one: reading answers ESRCH. How many threads are held depends on how many descriptors we may
// have; those beyond are opened and closed each time, which costs four times as much.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/base/fd.h"
#include "harness/watch/tasks.h"

namespace sockdrill {

/// One thread.
class TaskFiles final {
 public:
  TaskFiles(pid_t pid, pid_t tid) : pid_(pid), tid_(tid) {}

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] pid_t tid() const { return tid_; }
  [[nodiscard]] bool is_held() const { return stat_.is_open(); }
  /// Opens what the reads need, for good.
  void hold(Fd task_folder);

  [[nodiscard]] std::optional<SchedStat> read_schedstat() const;
  [[nodiscard]] std::optional<TaskStat> read_stat() const;
  /// The text of /proc/T/syscall; an error when it is unreadable (EPERM: a process that is not
  /// dumpable).
  [[nodiscard]] SysResult<std::string> read_syscall() const;
  /// Never held: it is asked for rarely.
  [[nodiscard]] std::optional<std::uint64_t> read_voluntary_switches() const;

 private:
  [[nodiscard]] SysResult<std::string> read(const OwnedFd& held, const char* name) const;

  pid_t pid_;
  pid_t tid_;
  OwnedFd schedstat_;
  OwnedFd syscall_;
  OwnedFd stat_;
};

/// Tells cheaply that no task was made meanwhile. The number that the kernel would give next moves
/// with every new process and thread in our pid namespace and in all inside it.
class BirthCounter final {
 public:
  BirthCounter();
  /// Nothing when this /proc does not tell.
  [[nodiscard]] std::optional<pid_t> latest() const;

 private:
  OwnedFd loadavg_;
};

class TaskTable final {
 public:
  TaskTable();

  /// Makes the table say what /proc says now, given the live processes.
  void refresh(const std::vector<pid_t>& pids);
  /// Whether /proc still has these processes, with as many threads each. Threads that were replaced
  /// are found by reading: the old one's files fail.
  [[nodiscard]] bool is_complete(const std::vector<pid_t>& pids) const;

  /// Ordered by process and thread.
  [[nodiscard]] const std::vector<TaskFiles>& tasks() const { return tasks_; }
  [[nodiscard]] std::vector<pid_t> processes() const;

 private:
  struct Process {
    pid_t pid = 0;
    OwnedFd folder;  ///< /proc/PID/task
    std::size_t threads = 0;
  };

  void add_process(pid_t pid, std::vector<TaskFiles>& kept, std::size_t& held);

  std::size_t most_held_;           ///< threads
  std::vector<Process> processes_;  ///< ordered by pid
  std::vector<TaskFiles> tasks_;
};

}  // namespace sockdrill
