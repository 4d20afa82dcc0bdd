#include "harness/sim/kernel/timers.h"

namespace sockdrill::sim {

timespec timespec_of(Nanoseconds time) {
  return {.tv_sec = time / std::chrono::seconds(1),
          .tv_nsec = (time % std::chrono::seconds(1)).count()};
}

timeval timeval_of(Nanoseconds time) {
  return {.tv_sec = time / std::chrono::seconds(1),
          .tv_usec = time % std::chrono::seconds(1) / std::chrono::microseconds(1)};
}

Nanoseconds nanoseconds_of(const timespec& time) {
  constexpr time_t kFar = 4'000'000'000;
  return std::chrono::seconds(std::min(time.tv_sec, kFar)) + Nanoseconds(time.tv_nsec);
}

Nanoseconds nanoseconds_of(const timeval& time) {
  return nanoseconds_of(timespec{.tv_sec = time.tv_sec, .tv_nsec = time.tv_usec * 1000});
}

bool is_valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000;
}

void Timer::arm(VirtualTime at) {
  disarm();
  place_ = timers_.armed(kind_).emplace(at, this);
}

void Timer::disarm() {
  if (!place_) return;
  timers_.armed(kind_).erase(*place_);
  place_.reset();
}

std::optional<VirtualTime> Timer::at() const {
  if (!place_) return std::nullopt;
  return (*place_)->first;
}

bool Timers::fire_one(VirtualTime now) {
  if (next() > now) return false;
  const bool is_protocols = next_of(TimerKind::protocol) <= next_of(TimerKind::program);
  Timer* due = armed(is_protocols ? TimerKind::protocol : TimerKind::program).begin()->second;
  due->disarm();
  due->fire_();  // may destroy the timer
  return true;
}

}  // namespace sockdrill::sim
