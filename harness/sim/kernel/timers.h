#pragma once

// What happens at a time: timerfd, TIME_WAIT, retries of a connection attempt, alarm(2).

#include <sys/time.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <functional>
#include <map>
#include <optional>

#include "harness/sim/kernel/wait.h"

namespace sockdrill::sim {

// Times as programs give and take them. A program may say "for ever" with a number that no clock
// reaches: what lies beyond 126 years is one such time.
timespec timespec_of(Nanoseconds time);
timeval timeval_of(Nanoseconds time);
Nanoseconds nanoseconds_of(const timespec& time);
Nanoseconds nanoseconds_of(const timeval& time);
/// clock_nanosleep(2), timerfd_settime(2): EINVAL otherwise.
bool is_valid(const timespec& time);

class Timers;

/// What a timer is to those who watch: one that a program has set, or one of a protocol's.
enum class TimerKind { protocol, program };

/// Armed at most once at a time; disarmed by its destructor. The Timers outlive it.
class Timer final {
 public:
  Timer(Timers& timers, std::function<void()> fire, TimerKind kind = TimerKind::protocol)
      : timers_(timers), fire_(std::move(fire)), kind_(kind) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { disarm(); }

  /// Replaces what was armed. A time that has passed fires at the next advance.
  void arm(VirtualTime at);
  void disarm();
  [[nodiscard]] std::optional<VirtualTime> at() const;

 private:
  friend class Timers;
  Timers& timers_;
  std::function<void()> fire_;
  TimerKind kind_;
  std::optional<std::multimap<VirtualTime, Timer*>::iterator> place_;
};

class Timers final {
 public:
  /// kNever: none is armed.
  [[nodiscard]] VirtualTime next() const {
    return std::min(next_of(TimerKind::protocol), next_of(TimerKind::program));
  }
  /// The same of those that programs have set. Asked often, while thousands of connections may be
  /// in TIME_WAIT.
  [[nodiscard]] VirtualTime next_of_programs() const { return next_of(TimerKind::program); }
  /// Fires the earliest one if it is due. Those of one time fire in the order in which they were
  /// armed, those of protocols before those of programs.
  bool fire_one(VirtualTime now);

 private:
  friend class Timer;
  using Armed = std::multimap<VirtualTime, Timer*>;
  Armed& armed(TimerKind kind) { return armed_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] VirtualTime next_of(TimerKind kind) const {
    const Armed& armed = armed_[static_cast<std::size_t>(kind)];
    return armed.empty() ? kNever : armed.begin()->first;
  }

  std::array<Armed, 2> armed_;  ///< [kind]
};

}  // namespace sockdrill::sim
