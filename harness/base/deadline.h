#pragma once

// Points in time on CLOCK_MONOTONIC. A deadline is a cap for hangs, never a verdict on speed.

#include <chrono>

namespace sockdrill {

using Nanoseconds = std::chrono::nanoseconds;

/// Time since an arbitrary start, CLOCK_MONOTONIC.
Nanoseconds monotonic_now();

class Deadline final {
 public:
  static Deadline after(Nanoseconds span) { return Deadline(monotonic_now() + span); }
  [[nodiscard]] bool has_passed() const { return monotonic_now() >= at_; }
  [[nodiscard]] Nanoseconds at() const { return at_; }
  /// Zero once it has passed.
  [[nodiscard]] Nanoseconds left() const;
  /// For poll(2) and epoll_wait(2), rounded up; 0 once it has passed.
  [[nodiscard]] int left_ms() const;

 private:
  explicit Deadline(Nanoseconds at) : at_(at) {}
  Nanoseconds at_;
};

}  // namespace sockdrill
