#include <sys/wait.h>

#include <cerrno>

#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {

namespace {

constexpr SignalBits kStops = bit_of(SIGSTOP) | bit_of(SIGTSTP) | bit_of(SIGTTIN) | bit_of(SIGTTOU);

bool is_ignored(const Process& process, int number) {
  const auto& action = process.signals.actions[static_cast<std::size_t>(number)];
  if (action.sa_handler == SIG_IGN) return true;
  return action.sa_handler == SIG_DFL && default_action(number) == DefaultAction::ignore;
}

/// A blocked signal stays pending even where it would be ignored: the disposition may change before
/// it is let through (signal(7); sigwait(3) takes SIGCHLD so).
bool is_blocked_everywhere(const Process& process, int number, const ThreadSignals* thread) {
  if (thread != nullptr) return (thread->blocked & bit_of(number)) != 0;
  for (const ThreadSignals* each : process.signals.threads) {
    if ((each->blocked & bit_of(number)) == 0) return false;
  }
  return !process.signals.threads.empty();
}

void drop_pending(Process& process, SignalBits numbers) {
  for (int number = 1; number <= kSignals; ++number) {
    if ((numbers & bit_of(number)) == 0) continue;
    process.signals.pending.remove(number);
    for (ThreadSignals* thread : process.signals.threads) thread->pending.remove(number);
  }
}

}  // namespace

void Kernel::send_signal(Process& to, const siginfo_t& info, ThreadSignals* thread) {
  const int number = info.si_signo;
  if (to.is_zombie || &to == &init()) return;
  if (number == SIGCONT || number == SIGKILL) {
    drop_pending(to, kStops);
    if (to.is_stopped) {
      to.is_stopped = false;
      if (number == SIGCONT) {
        to.untold_change = 0xffff;  // WIFCONTINUED
        tell_parent(to, CLD_CONTINUED, SIGCONT);
      }
    }
  }
  if ((kStops & bit_of(number)) != 0) drop_pending(to, bit_of(SIGCONT));
  if (number == SIGSTOP) {
    if (to.is_stopped) return;
    to.is_stopped = true;
    to.untold_change = (SIGSTOP << 8) | 0x7f;
    tell_parent(to, CLD_STOPPED, SIGSTOP);
    return;
  }
  if (is_ignored(to, number) && !is_blocked_everywhere(to, number, thread)) return;
  (thread != nullptr ? thread->pending : to.signals.pending).add(info);
  to.signal_queue.wake_all();
  any_signal_.wake_all();
  if (to.observer != nullptr) to.observer->signalled(to, thread);
}

void Kernel::send_pipe_signal(Process& process) {
  send_signal(process, signal_info(SIGPIPE, SI_USER, process.pid), process.signals.current);
}

bool Kernel::has_signal_of(const Process& process, SignalBits open) const {
  for (int number = 1; number <= kSignals; ++number) {
    if ((open & bit_of(number)) != 0 && !is_ignored(process, number)) return true;
  }
  return false;
}

std::optional<siginfo_t> Kernel::take_signal(Process& process, ThreadSignals& thread) {
  const SignalBits blocked = thread.blocked & ~kNeverBlocked;
  // SIGKILL goes before everything (signal(7) leaves it open; Linux does so).
  if ((process.signals.pending.bits() & bit_of(SIGKILL)) != 0)
    return process.signals.pending.take(~bit_of(SIGKILL));
  for (;;) {
    std::optional<siginfo_t> info = thread.pending.take(blocked);
    if (!info) info = process.signals.pending.take(blocked);
    if (!info || !is_ignored(process, info->si_signo)) return info;
  }
}

Outcome<void> Kernel::kill(Process& from, pid_t which, int number) {
  if (number < 0 || number > kSignals) return refuse(EINVAL);
  std::vector<pid_t> reached;
  for (const auto& process : processes_) {
    const bool is_meant = which > 0     ? process->pid == which
                          : which == 0  ? process->group == from.group
                          : which == -1 ? process->pid != 1 && process.get() != &from
                                        : process->group == -which;
    if (is_meant) reached.push_back(process->pid);
  }
  if (reached.empty()) return refuse(ESRCH);
  if (number == 0) return {};
  for (const pid_t pid : reached) {
    Process* process = find_process(pid);
    if (process != nullptr) send_signal(*process, signal_info(number, SI_USER, from.pid));
  }
  return {};
}

}  // namespace sockdrill::sim
