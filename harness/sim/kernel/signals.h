#pragma once

// Signals as the kernel keeps them: dispositions, masks, what is pending. Running a handler is the
// business of whoever runs the threads.

#include <signal.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/sim/kernel/wait.h"

namespace sockdrill::sim {

inline constexpr int kSignals = 64;

/// A bit a signal, number 1 lowest (proc(5), SigBlk).
using SignalBits = std::uint64_t;
constexpr SignalBits bit_of(int number) { return SignalBits{1} << (number - 1); }
/// No mask blocks these (signal(7)).
inline constexpr SignalBits kNeverBlocked = bit_of(SIGKILL) | bit_of(SIGSTOP);
SignalBits bits_of(const sigset_t& set);
sigset_t set_of(SignalBits bits);

/// What is told of a signal; `from`: a process (SI_USER), or a child (SIGCHLD).
siginfo_t signal_info(int number, int code = SI_USER, pid_t from = 0);

/// What is pending, of a thread or of a process: one of each standard signal, all of the real-time
/// ones.
class PendingSignals final {
 public:
  void add(const siginfo_t& info);
  void remove(int number);
  /// The lowest number that `blocked` lets through.
  std::optional<siginfo_t> take(SignalBits blocked);
  [[nodiscard]] SignalBits bits() const { return bits_; }
  void clear();

 private:
  SignalBits bits_ = 0;
  std::vector<siginfo_t> queue_;
};

/// A thread's part. Owned by whoever runs the threads, and known to the process while it lives.
struct ThreadSignals {
  SignalBits blocked = 0;
  PendingSignals pending;
};

enum class DefaultAction { terminate, core, ignore, stop, go_on };
/// signal(7), "Standard signals".
DefaultAction default_action(int number);

/// A process' part.
struct ProcessSignals {
  std::array<struct sigaction, kSignals + 1> actions{};  ///< [number]; SIG_DFL at first
  PendingSignals pending;
  std::vector<ThreadSignals*> threads;
  /// The thread whose call the kernel is in: where SIGPIPE goes. nullptr: the process.
  ThreadSignals* current = nullptr;
};

}  // namespace sockdrill::sim
