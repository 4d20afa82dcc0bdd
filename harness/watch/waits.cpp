#include "harness/watch/waits.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>

#include "harness/watch/waiting_calls.h"

namespace sockdrill {
namespace {

Nanoseconds saturated(std::int64_t seconds, std::int64_t nanoseconds) {
  // A "for ever" given as a huge number of seconds must not overflow.
  constexpr std::int64_t kLongest = 100L * 365 * 86400;
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLongest)) +
         Nanoseconds(nanoseconds);
}

template <typename T>
std::optional<T> value_in(const ReadMemory& read, std::uint64_t address) {
  T value{};
  if (!read(address, std::as_writable_bytes(std::span<T, 1>(&value, 1)))) return std::nullopt;
  return value;
}

void set_timeout(Wait& wait, std::optional<Nanoseconds> timeout) {
  wait.kind = timeout ? WaitKind::timed : WaitKind::perhaps;
  wait.timeout = timeout.value_or(Nanoseconds{0});
}
void set_point_in_time(Wait& wait, std::optional<Nanoseconds> left) {
  set_timeout(wait, left);
  wait.is_absolute = left.has_value();
}

std::optional<Nanoseconds> relative_timespec(const ReadMemory& read, std::uint64_t address) {
  const auto value = value_in<timespec>(read, address);
  if (!value) return std::nullopt;
  return saturated(value->tv_sec, value->tv_nsec);
}

std::optional<Nanoseconds> relative_timeval(const ReadMemory& read, std::uint64_t address) {
  const auto value = value_in<timeval>(read, address);
  if (!value) return std::nullopt;
  return saturated(value->tv_sec, value->tv_usec * 1000);
}

std::optional<Nanoseconds> until_timespec(const ReadMemory& read, std::uint64_t address,
                                          clockid_t clock) {
  const auto value = value_in<timespec>(read, address);
  timespec now{};
  if (!value || ::clock_gettime(clock, &now) != 0) return std::nullopt;
  const Nanoseconds left =
      saturated(value->tv_sec, value->tv_nsec) - saturated(now.tv_sec, now.tv_nsec);
  return std::max(left, Nanoseconds{0});
}

// NULL means no timeout at all.
void set_relative(Wait& wait, std::uint64_t address, const ReadMemory& read) {
  if (address != 0) set_timeout(wait, relative_timespec(read, address));
}
void set_absolute(Wait& wait, std::uint64_t address, const ReadMemory& read, clockid_t clock) {
  if (address != 0) set_point_in_time(wait, until_timespec(read, address, clock));
}

void set_futex_timeout(Wait& wait, const SyscallLine& line, const ReadMemory& read) {
  constexpr int kLockPi2 = 13;  // FUTEX_LOCK_PI2, Linux 5.14
  const auto operation = static_cast<int>(line.arguments[1]);
  const std::uint64_t address = line.arguments[3];
  const bool is_realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      set_relative(wait, address, read);
      break;
    case FUTEX_LOCK_PI:
      set_absolute(wait, address, read, CLOCK_REALTIME);
      break;
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAIT_REQUEUE_PI:
    case kLockPi2:
      set_absolute(wait, address, read, is_realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
      break;
    default:
      break;
  }
}

void set_clock_timeout(Wait& wait, const SyscallLine& line, const ReadMemory& read) {
  const auto clock = static_cast<clockid_t>(line.arguments[0]);
  if ((line.arguments[1] & TIMER_ABSTIME) != 0) {
    set_absolute(wait, line.arguments[2], read, clock);
  } else {
    set_relative(wait, line.arguments[2], read);
  }
}

void set_timeout_of(Wait& wait, const WaitingCall& call, const SyscallLine& line,
                    const ReadMemory& read) {
  const std::uint64_t argument = line.arguments[static_cast<std::size_t>(call.argument)];
  switch (call.timeout) {
    case Timeout::none:
      break;
    case Timeout::milliseconds:
      if (const auto ms = static_cast<std::int32_t>(argument); ms >= 0) {
        set_timeout(wait, std::chrono::milliseconds(ms));
      }
      break;
    case Timeout::timespec_pointer:
      set_relative(wait, argument, read);
      break;
    case Timeout::timeval_pointer:
      if (argument != 0) set_timeout(wait, relative_timeval(read, argument));
      break;
    case Timeout::absolute_realtime:
      set_absolute(wait, argument, read, CLOCK_REALTIME);
      break;
    case Timeout::clock:
      set_clock_timeout(wait, line, read);
      break;
    case Timeout::futex:
      set_futex_timeout(wait, line, read);
      break;
    case Timeout::option:
      wait.kind = WaitKind::socket_call;
      break;
    case Timeout::unknown:
      wait.kind = WaitKind::perhaps;
      break;
  }
}

/// poll(NULL, 0, ms) and select(0, ...) are sleeps: Python's time.sleep() was one for long. A call
/// that was restarted after SIGCONT hides which one it was; it may have been a sleep.
bool waits_for_nothing(Role role, const SyscallLine& line) {
  return role == Role::sleeps || (role == Role::polls && line.arguments[1] == 0) ||
         (role == Role::selects && line.arguments[0] == 0);
}

Wait wait_in_unknown_call(long number) {
  if (number == SyscallLine::kOutside) return Wait{.call = "no system call"};
  if (number == SyscallLine::kUnreadable) {
    return Wait{.call = "an unreadable call", .kind = WaitKind::perhaps};
  }
  return Wait{.call = fmt::format("system call {}", number)};
}

}  // namespace

Wait classify_wait(const SyscallLine& line, const ReadMemory& read) {
  const WaitingCall* call = find_waiting_call(line.number);
  if (call == nullptr) return wait_in_unknown_call(line.number);
  Wait wait{.call = call->name};
  set_timeout_of(wait, *call, line, read);
  wait.is_blind = wait.kind != WaitKind::untimed && waits_for_nothing(call->role, line);
  wait.is_output = call->role == Role::output;
  wait.is_close = call->role == Role::closes;
  wait.is_creation = call->role == Role::creates;
  wait.has_descriptor = wait.is_output || wait.is_close || call->role == Role::on_descriptor;
  if (wait.has_descriptor) wait.descriptor = static_cast<int>(line.arguments[0]);
  return wait;
}

std::string to_string(const Wait& wait) {
  std::string inside;
  if (wait.has_descriptor) inside = fmt::format("fd {}", wait.descriptor);
  if (wait.kind == WaitKind::timed) {
    const auto microseconds =
        std::chrono::duration_cast<std::chrono::microseconds>(wait.timeout).count();
    inside += fmt::format("{}timeout {} ms", inside.empty() ? "" : ", ",
                          static_cast<double>(microseconds) / 1000);
  }
  return inside.empty() ? wait.call : fmt::format("{}({})", wait.call, inside);
}

}  // namespace sockdrill
