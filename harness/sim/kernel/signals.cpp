#include "harness/sim/kernel/signals.h"

#include <algorithm>

namespace sockdrill::sim {

SignalBits bits_of(const sigset_t& set) {
  SignalBits bits = 0;
  for (int number = 1; number <= kSignals; ++number) {
    if (sigismember(&set, number) == 1) bits |= bit_of(number);
  }
  return bits;
}

sigset_t set_of(SignalBits bits) {
  sigset_t set;
  sigemptyset(&set);
  for (int number = 1; number <= kSignals; ++number) {
    if ((bits & bit_of(number)) != 0) sigaddset(&set, number);
  }
  return set;
}

siginfo_t signal_info(int number, int code, pid_t from) {
  siginfo_t info{};
  info.si_signo = number;
  info.si_code = code;
  info.si_pid = from;
  return info;
}

void PendingSignals::add(const siginfo_t& info) {
  constexpr int kFirstRealTime = 32;  // of the kernel; the C library keeps 32 and 33 for itself
  if ((bits_ & bit_of(info.si_signo)) != 0 && info.si_signo < kFirstRealTime) return;
  bits_ |= bit_of(info.si_signo);
  queue_.push_back(info);
}

void PendingSignals::remove(int number) {
  bits_ &= ~bit_of(number);
  std::erase_if(queue_, [&](const siginfo_t& info) { return info.si_signo == number; });
}

std::optional<siginfo_t> PendingSignals::take(SignalBits blocked) {
  const SignalBits open = bits_ & ~blocked;
  if (open == 0) return std::nullopt;
  const int number = __builtin_ctzll(open) + 1;
  const auto is_it = [&](const siginfo_t& info) { return info.si_signo == number; };
  const auto found = std::find_if(queue_.begin(), queue_.end(), is_it);
  const siginfo_t info = *found;
  queue_.erase(found);
  if (std::none_of(queue_.begin(), queue_.end(), is_it)) bits_ &= ~bit_of(number);
  return info;
}

void PendingSignals::clear() {
  bits_ = 0;
  queue_.clear();
}

DefaultAction default_action(int number) {
  switch (number) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
      return DefaultAction::ignore;
    case SIGCONT:
      return DefaultAction::go_on;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return DefaultAction::stop;
    case SIGQUIT:
    case SIGILL:
    case SIGABRT:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
    case SIGSYS:
    case SIGTRAP:
    case SIGXCPU:
    case SIGXFSZ:
      return DefaultAction::core;
    default:
      return DefaultAction::terminate;
  }
}

}  // namespace sockdrill::sim
