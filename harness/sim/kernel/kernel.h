#pragma once

// The simulated kernel of one host: processes, descriptors, sockets, pipes, signals, and a virtual
// clock.
//
// It makes no system call, never blocks, and does nothing by itself: its time stands still until
// somebody advances it. One thread of the real machine uses it. Everything happens in the order of
// the calls, so the same calls give the same results.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/sim/kernel/faults.h"
#include "harness/sim/kernel/process.h"
#include "harness/sim/kernel/timers.h"

namespace sockdrill::sim {

class Network;
class OctetStore;
class SocketPaths;

struct ChildChange {
  pid_t pid = 0;   ///< 0: none yet (WNOHANG)
  int status = 0;  ///< as wait(2) gives it
};

class Kernel final {
 public:
  /// `paths` (outlives the kernel) is where AF_UNIX sockets find their names; nullptr: a file
  /// system of the kernel's own, which has nothing but sockets.
  explicit Kernel(SocketPaths* paths = nullptr);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Time.
  [[nodiscard]] VirtualTime now() const { return now_; }
  /// CLOCK_REALTIME at boot.
  [[nodiscard]] VirtualTime boot_time() const { return boot_time_; }
  /// When the next timer of the kernel's fires; kNever.
  [[nodiscard]] VirtualTime next_timer() const { return timers_.next(); }
  /// The same, but only of timers that programs have set: timerfd_create(2), alarm(2).
  [[nodiscard]] VirtualTime next_program_timer() const { return timers_.next_of_programs(); }
  /// Fires what is due on the way, each at its time. Never backwards.
  void advance_to(VirtualTime time);
  Timers& timers() { return timers_; }

  // Processes. They are the kernel's; a zombie stays until it is waited for.
  /// Of init (pid 1, which reaps at once) when `parent` is nullptr; else a child as fork(2) makes
  /// it.
  Process& create_process(Process* parent);
  /// exit_group(2), or death by a signal: `status` as wait(2) gives it. Closes everything.
  void exit_process(Process& process, int status);
  [[nodiscard]] Process* find_process(pid_t pid) const;
  [[nodiscard]] const std::vector<std::unique_ptr<Process>>& processes() const {
    return processes_;
  }
  Process& init() { return *processes_.front(); }
  /// Woken whenever a signal becomes pending, whosever it is.
  WaitQueue& any_signal() { return any_signal_; }
  /// wait4(2) with its options; `which` as there. ECHILD.
  Outcome<ChildChange> wait_child(Process& process, pid_t which, int options, Call& call);

  // Signals.
  /// kill(2), with its rules for 0, -1 and groups. ESRCH, EINVAL.
  Outcome<void> kill(Process& from, pid_t which, int number);
  /// To a process, or to one thread of it (tgkill(2)).
  void send_signal(Process& to, const siginfo_t& info, ThreadSignals* thread = nullptr);
  /// SIGPIPE, to the thread that makes the call.
  void send_pipe_signal(Process& process);
  /// The next one to be delivered to that thread; never one that is ignored. The action is found in
  /// process.signals.actions; SIG_DFL asks default_action().
  std::optional<siginfo_t> take_signal(Process& process, ThreadSignals& thread);
  /// Whether take_signal() would find one: calls that wait are then interrupted.
  [[nodiscard]] bool has_signal(const Process& process, const ThreadSignals& thread) const {
    const SignalBits open = (process.signals.pending.bits() | thread.pending.bits()) &
                            ~(thread.blocked & ~kNeverBlocked);
    return open != 0 && has_signal_of(process, open);
  }

  // Descriptors.
  /// close(2). With SO_LINGER it may have to wait; asked again, with the same call, it goes on
  /// waiting.
  Outcome<void> close(Process& process, int fd, Call& call);
  /// dup(2), F_DUPFD, F_DUPFD_CLOEXEC.
  Outcome<int> duplicate(Process& process, int fd, int lowest, bool close_on_exec);
  /// dup2(2), dup3(2); the caller has checked what dup3 refuses.
  Outcome<int> duplicate_to(Process& process, int fd, int to, bool close_on_exec);

  Network& network() { return *network_; }
  OctetStore& octets() { return *octets_; }
  FaultPlan faults;
  /// Programs get neither processes nor threads: EAGAIN, as of RLIMIT_NPROC.
  bool is_process_limit_reached = false;
  /// Told of every process that ends, with its wait(2) status; it is a zombie by then.
  std::function<void(const Process&, int)> on_exit;
  std::uint64_t next_inode() { return ++last_inode_; }
  /// A number that no process or thread has had.
  pid_t next_pid() { return ++last_pid_; }

 private:
  [[nodiscard]] bool has_signal_of(const Process& process, SignalBits open) const;

  void tell_parent(Process& child, int code, int status);
  void reap(Process& child);

  VirtualTime now_{0};
  VirtualTime boot_time_;
  std::uint64_t last_inode_ = 1000;
  pid_t last_pid_ = 0;
  Timers timers_;
  std::unique_ptr<OctetStore> octets_;
  std::unique_ptr<Network> network_;
  WaitQueue any_signal_;                             ///< outlives the files that hear it
  std::vector<std::unique_ptr<Process>> processes_;  ///< [0] is init
};

}  // namespace sockdrill::sim
