#pragma once

// The kernel's side of a process: descriptors, children, signals, limits. Its threads and its
// memory are the business of whoever runs it.

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/sim/kernel/descriptors.h"
#include "harness/sim/kernel/signals.h"
#include "harness/sim/kernel/timers.h"

namespace sockdrill::sim {

class Process;

/// Told when something happens to a process that its threads must act on. Must not call the kernel.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;
  /// A signal has become pending that `thread` (nullptr: any thread that lets it through) must see
  /// to: calls that wait are to be interrupted, then take_signal() is asked.
  virtual void signalled(Process& process, ThreadSignals* thread) = 0;
};

class Process final {
 public:
  /// As fork(2) makes one: with the settings of its parent.
  Process(Kernel& kernel, pid_t pid, Process* parent);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  Kernel& kernel;
  const pid_t pid;
  /// The init process of the kernel when the real one is gone; nullptr only of init.
  Process* parent;
  pid_t group;
  pid_t session;
  std::string command;  ///< for reports
  DescriptorTable descriptors;
  ProcessSignals signals;
  rlim_t most_descriptors = 1024 * 1024;  ///< RLIMIT_NOFILE, hard; the soft one is the table's
  bool is_stopped = false;
  bool is_zombie = false;
  int exit_status = 0;  ///< of a zombie: as wait(2) gives it
  ProcessObserver* observer = nullptr;
  /// Sent to it when its parent ends (prctl(2), PR_SET_PDEATHSIG); 0: none. A fork clears it.
  int parent_death_signal = 0;

  std::vector<Process*> children;  ///< zombies too
  WaitQueue children_queue;        ///< a child ended, stopped or went on
  WaitQueue signal_queue;          ///< something became pending: sigwait(3), signalfd(2)

  /// Octets of the heap, where somebody counts them.
  std::uint64_t held_octets = 0;

  Timer alarm;  ///< alarm(2), setitimer(ITIMER_REAL)
  Nanoseconds alarm_every{0};
  /// A change of a child's that WUNTRACED or WCONTINUED asks for, not told yet: a wait(2) status.
  int untold_change = 0;
};

}  // namespace sockdrill::sim
