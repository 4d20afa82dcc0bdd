// signal(7): dispositions, masks, sending, waiting, and running the handlers.

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// One handler, on the task's own stack, with the mask that its action asks for.
void run_handler(Task& task, const siginfo_t& info, const struct sigaction& action) {
  const SignalBits blocked = task.signals.blocked;
  task.signals.blocked |= bits_of(action.sa_mask);
  if ((action.sa_flags & SA_NODEFER) == 0) task.signals.blocked |= bit_of(info.si_signo);
  const int error = errno;
  const char* call = std::exchange(task.call, nullptr);
  siginfo_t copy = info;
  ucontext_t context{};
  if ((action.sa_flags & SA_SIGINFO) != 0)
    action.sa_sigaction(info.si_signo, &copy, &context);
  else
    action.sa_handler(info.si_signo);
  task.call = call;
  errno = error;
  task.signals.blocked = blocked;
}

}  // namespace

void die_of(Task& task, int signal) {
  const bool dumps = default_action(signal) == DefaultAction::core;
  task.scheduler.end_process(task.process, signal | (dumps ? 0x80 : 0));
  __builtin_unreachable();
}

Delivered deliver_signals(Task& task) {
  Delivered delivered = Delivered::unhandled;
  Kernel& kernel = task.scheduler.kernel();
  while (std::optional<siginfo_t> info = kernel.take_signal(task.process, task.signals)) {
    struct sigaction& kept = task.process.signals.actions[static_cast<std::size_t>(info->si_signo)];
    const struct sigaction action = kept;
    if (action.sa_handler == SIG_IGN) continue;
    if (action.sa_handler == SIG_DFL || info->si_signo == SIGKILL) {
      switch (default_action(info->si_signo)) {
        case DefaultAction::terminate:
        case DefaultAction::core:
          die_of(task, info->si_signo);
        case DefaultAction::stop: {
          siginfo_t stop{};
          stop.si_signo = SIGSTOP;
          kernel.send_signal(task.process, stop);
          task.scheduler.yield(task);
          break;
        }
        case DefaultAction::ignore:
        case DefaultAction::go_on:
          break;
      }
      continue;
    }
    if ((static_cast<unsigned>(action.sa_flags) & SA_RESETHAND) != 0) kept.sa_handler = SIG_DFL;
    if ((action.sa_flags & SA_RESTART) == 0)
      delivered = Delivered::interrupting;
    else if (delivered == Delivered::unhandled)
      delivered = Delivered::restarting;
    run_handler(task, *info, action);
  }
  return delivered;
}

namespace {

bool is_signal(int number) { return number >= 1 && number <= kSignals; }

void send_to_task(Task& to, int number) {
  if (number == 0) return;
  siginfo_t info{};
  info.si_signo = number;
  info.si_code = SI_TKILL;
  info.si_pid = to.process.pid;
  to.scheduler.kernel().send_signal(to.process, info, &to.signals);
}

/// Until a signal has become pending, or until then. Never restarted (signal(7)).
tl::unexpected<Stop> await_signal(VirtualTime until) {
  return tl::unexpected<Stop>(Stop{.error = {},
                                   .queue = &current_task->process.signal_queue,
                                   .more_queues = {},
                                   .until = until,
                                   .is_restartable = false});
}

/// Waits for one of `wanted`, which is then not delivered.
Outcome<siginfo_t> wait_for_signal(SignalBits wanted, const timespec* timeout) {
  Task& task = *current_task;
  const Kernel& kernel = task.scheduler.kernel();
  const VirtualTime until = timeout == nullptr ? kNever : kernel.now() + nanoseconds_of(*timeout);
  return carry_out("sigtimedwait", [&](Call&) -> Outcome<siginfo_t> {
    for (PendingSignals* pending : {&task.signals.pending, &task.process.signals.pending}) {
      if (std::optional<siginfo_t> info = pending->take(~wanted)) return *info;
    }
    if (kernel.now() >= until) return refuse(EAGAIN);
    tl::unexpected<Stop> waits = await_signal(until);
    waits.value().outlasts_stop = false;
    return waits;
  });
}

int change_mask(int how, const sigset_t* set, sigset_t* old) {
  Task& task = *current_task;
  if (old != nullptr) *old = set_of(task.signals.blocked);
  if (set == nullptr) return 0;
  const SignalBits bits = bits_of(*set) & ~kNeverBlocked;
  switch (how) {
    case SIG_BLOCK:
      task.signals.blocked |= bits;
      break;
    case SIG_UNBLOCK:
      task.signals.blocked &= ~bits;
      break;
    case SIG_SETMASK:
      task.signals.blocked = bits;
      break;
    default:
      return EINVAL;
  }
  end_call(task);
  return 0;
}

/// sigsuspend(2), pause(2): until a handler has run.
int wait_for_any(const char* name, const sigset_t* mask) {
  const MaskDuring during(mask);
  return give(carry_out(name, [](Call&) -> Outcome<void> { return await_signal(kNever); }));
}

}  // namespace
}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL int sigaction(int number, const struct sigaction* action, struct sigaction* old) {
  if (!is_simulated()) return REAL_FUNCTION(sigaction)(number, action, old);
  if (!is_signal(number) || (action != nullptr && (number == SIGKILL || number == SIGSTOP)))
    return fail_with(EINVAL);
  struct sigaction& kept = current_task->process.signals.actions[static_cast<std::size_t>(number)];
  if (old != nullptr) *old = kept;
  if (action != nullptr) kept = *action;
  return 0;
}

SIMULATED_CALL sighandler_t signal(int number, sighandler_t handler) noexcept {
  if (!is_simulated()) return next<sighandler_t(int, sighandler_t)>("signal")(number, handler);
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  struct sigaction old {};
  return ::sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

SIMULATED_CALL int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  if (!is_simulated())
    return next<int(int, const sigset_t*, sigset_t*)>("sigprocmask")(how, set, old);
  const int error = change_mask(how, set, old);
  return error == 0 ? 0 : fail_with(error);
}

SIMULATED_CALL int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  if (!is_simulated())
    return next<int(int, const sigset_t*, sigset_t*)>("pthread_sigmask")(how, set, old);
  return change_mask(how, set, old);
}

SIMULATED_CALL int sigpending(sigset_t* set) noexcept {
  if (!is_simulated()) return next<int(sigset_t*)>("sigpending")(set);
  const Task& task = *current_task;
  *set = set_of((task.signals.pending.bits() | task.process.signals.pending.bits()) &
                task.signals.blocked);
  return 0;
}

SIMULATED_CALL int sigsuspend(const sigset_t* set) {
  if (!is_simulated()) return REAL_FUNCTION(sigsuspend)(set);
  return wait_for_any("sigsuspend", set);
}

SIMULATED_CALL int pause() {
  if (!is_simulated()) return REAL_FUNCTION(pause)();
  return wait_for_any("pause", nullptr);
}

SIMULATED_CALL int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  if (!is_simulated()) return REAL_FUNCTION(sigtimedwait)(set, info, timeout);
  const Outcome<siginfo_t> found = wait_for_signal(bits_of(*set), timeout);
  if (!found) return fail_with(found.error().error.value);
  if (info != nullptr) *info = *found;
  return found->si_signo;
}

SIMULATED_CALL int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  return sigtimedwait(set, info, nullptr);
}

SIMULATED_CALL int sigwait(const sigset_t* set, int* number) {
  if (!is_simulated()) return REAL_FUNCTION(sigwait)(set, number);
  for (;;) {
    const int found = sigtimedwait(set, nullptr, nullptr);
    if (found > 0) {
      *number = found;
      return 0;
    }
    if (errno != EINTR) return errno;
  }
}

SIMULATED_CALL int kill(pid_t which, int number) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_kill, which, number));
  return give(carry_out("kill", [&](Call&) {
    return current_task->scheduler.kernel().kill(current_task->process, which, number);
  }));
}

SIMULATED_CALL int killpg(pid_t group, int number) noexcept { return kill(-group, number); }

SIMULATED_CALL int raise(int number) noexcept {
  if (!is_simulated()) return next<int(int)>("raise")(number);
  if (!is_signal(number)) return fail_with(EINVAL);
  send_to_task(*current_task, number);
  end_call(*current_task);
  return 0;
}

SIMULATED_CALL int pthread_kill(pthread_t thread, int number) noexcept {
  if (!is_simulated()) return next<int(pthread_t, int)>("pthread_kill")(thread, number);
  Task& task = *current_task;
  Task* to = find_thread(thread);
  if (to == nullptr || to->state() == Task::State::finished) return ESRCH;
  if (number != 0 && !is_signal(number)) return EINVAL;
  send_to_task(*to, number);
  end_call(task);
  return 0;
}

SIMULATED_CALL int sigaltstack(const stack_t* stack, stack_t* old) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_sigaltstack, stack, old));
  // Handlers run on the task's stack: whether there is another one can hardly be seen.
  if (old != nullptr) *old = stack_t{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  return 0;
}

SIMULATED_CALL int siginterrupt(int number, int on) noexcept {
  if (!is_simulated()) return next<int(int, int)>("siginterrupt")(number, on);
  if (!is_signal(number)) return fail_with(EINVAL);
  int& flags = current_task->process.signals.actions[static_cast<std::size_t>(number)].sa_flags;
  flags = on != 0 ? flags & ~SA_RESTART : flags | SA_RESTART;
  return 0;
}
