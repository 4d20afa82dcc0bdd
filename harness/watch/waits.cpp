#include "harness/watch/waits.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace sockdrill {
namespace {

/// Where a call keeps its timeout. What is not listed is untimed.
enum class Timeout {
  none,
  milliseconds,      ///< an int; negative = none
  timespec_pointer,  ///< NULL = none
  timeval_pointer,
  absolute_realtime,  ///< a timespec pointer
  clock,              ///< clock_nanosleep: (clock, flags, timespec pointer)
  futex,              ///< depends on the operation
  option,             ///< SO_RCVTIMEO or SO_SNDTIMEO
  unknown,
};

struct CallRow {
  long number;
  const char* name;
  Timeout timeout = Timeout::none;
  int argument = 0;  ///< index of the timeout
  enum Role { plain, sleeps, waits_for_set, output, on_descriptor, closes } role = plain;
};

constexpr CallRow kCalls[] = {
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", Timeout::milliseconds, 3},
    {SYS_poll, "poll", Timeout::milliseconds, 2, CallRow::waits_for_set},
    {SYS_select, "select", Timeout::timeval_pointer, 4, CallRow::waits_for_set},
    {SYS_pause, "pause"},
    {SYS_vfork, "vfork"},
#endif
    {SYS_epoll_pwait, "epoll_pwait", Timeout::milliseconds, 3},
    {SYS_epoll_pwait2, "epoll_pwait2", Timeout::timespec_pointer, 3},
    {SYS_ppoll, "ppoll", Timeout::timespec_pointer, 2, CallRow::waits_for_set},
    {SYS_pselect6, "pselect6", Timeout::timespec_pointer, 4, CallRow::waits_for_set},
    {SYS_nanosleep, "nanosleep", Timeout::timespec_pointer, 0, CallRow::sleeps},
    {SYS_clock_nanosleep, "clock_nanosleep", Timeout::clock, 2, CallRow::sleeps},
    {SYS_futex, "futex", Timeout::futex, 3},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", Timeout::timespec_pointer, 2},
    {SYS_rt_sigsuspend, "rt_sigsuspend"},
    {SYS_semtimedop, "semtimedop", Timeout::timespec_pointer, 3},
    {SYS_mq_timedreceive, "mq_timedreceive", Timeout::absolute_realtime, 4},
    {SYS_mq_timedsend, "mq_timedsend", Timeout::absolute_realtime, 4},
    {SYS_io_getevents, "io_getevents", Timeout::timespec_pointer, 4},
    {SYS_io_pgetevents, "io_pgetevents", Timeout::timespec_pointer, 4},
    {SYS_io_uring_enter, "io_uring_enter", Timeout::unknown},
    {SYS_restart_syscall, "restart_syscall", Timeout::unknown},
    {SYS_recvmmsg, "recvmmsg", Timeout::timespec_pointer, 4, CallRow::on_descriptor},
    {SYS_read, "read", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_readv, "readv", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_recvfrom, "recvfrom", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_recvmsg, "recvmsg", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_accept, "accept", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_accept4, "accept4", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_connect, "connect", Timeout::option, 0, CallRow::on_descriptor},
    {SYS_write, "write", Timeout::option, 0, CallRow::output},
    {SYS_writev, "writev", Timeout::option, 0, CallRow::output},
    {SYS_sendto, "sendto", Timeout::option, 0, CallRow::output},
    {SYS_sendmsg, "sendmsg", Timeout::option, 0, CallRow::output},
    {SYS_sendmmsg, "sendmmsg", Timeout::option, 0, CallRow::output},
    {SYS_sendfile, "sendfile", Timeout::option, 0, CallRow::output},
    {SYS_splice, "splice", Timeout::unknown, 0, CallRow::on_descriptor},
    {SYS_flock, "flock", Timeout::none, 0, CallRow::on_descriptor},
    {SYS_fcntl, "fcntl", Timeout::none, 0, CallRow::on_descriptor},
    {SYS_close, "close", Timeout::none, 0, CallRow::closes},
    {SYS_wait4, "wait4"},
    {SYS_waitid, "waitid"},
    {SYS_semop, "semop"},
    {SYS_msgrcv, "msgrcv"},
    {SYS_msgsnd, "msgsnd"},
    {SYS_exit, "exit"},
    {SYS_exit_group, "exit_group"},
};

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

/// NULL means no timeout at all.
template <typename Read>
void set_from_pointer(Wait& wait, std::uint64_t address, Read read_timeout) {
  if (address != 0) set_timeout(wait, read_timeout(address));
}

void set_futex_timeout(Wait& wait, const SyscallLine& line, const ReadMemory& read) {
  const auto operation = static_cast<int>(line.arguments[1]);
  const std::uint64_t address = line.arguments[3];
  const bool is_realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      set_from_pointer(wait, address, [&](auto at) { return relative_timespec(read, at); });
      break;
    case FUTEX_LOCK_PI:
      set_from_pointer(wait, address,
                       [&](auto at) { return until_timespec(read, at, CLOCK_REALTIME); });
      break;
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAIT_REQUEUE_PI:
    case 13:  // FUTEX_LOCK_PI2
      set_from_pointer(wait, address, [&](auto at) {
        return until_timespec(read, at, is_realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
      });
      break;
    default:
      break;
  }
}

void set_clock_timeout(Wait& wait, const SyscallLine& line, const ReadMemory& read) {
  const auto clock = static_cast<clockid_t>(line.arguments[0]);
  const bool is_absolute = (line.arguments[1] & TIMER_ABSTIME) != 0;
  set_from_pointer(wait, line.arguments[2], [&](auto at) {
    return is_absolute ? until_timespec(read, at, clock) : relative_timespec(read, at);
  });
}

void set_timeout_of(Wait& wait, const CallRow& row, const SyscallLine& line,
                    const ReadMemory& read) {
  const std::uint64_t argument = line.arguments[static_cast<std::size_t>(row.argument)];
  switch (row.timeout) {
    case Timeout::none:
      break;
    case Timeout::milliseconds:
      if (const auto ms = static_cast<std::int32_t>(argument); ms >= 0) {
        set_timeout(wait, std::chrono::milliseconds(ms));
      }
      break;
    case Timeout::timespec_pointer:
      set_from_pointer(wait, argument, [&](auto at) { return relative_timespec(read, at); });
      break;
    case Timeout::timeval_pointer:
      set_from_pointer(wait, argument, [&](auto at) { return relative_timeval(read, at); });
      break;
    case Timeout::absolute_realtime:
      set_from_pointer(wait, argument,
                       [&](auto at) { return until_timespec(read, at, CLOCK_REALTIME); });
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

/// poll(NULL, 0, ms) and select(0, ...) are sleeps: Python's time.sleep() was one for long.
bool waits_for_nothing(const CallRow& row, const SyscallLine& line) {
  if (row.role == CallRow::sleeps) return true;
  if (row.role != CallRow::waits_for_set) return false;
  const bool is_select = std::string_view(row.name).find("select") != std::string_view::npos;
  return line.arguments[is_select ? 0 : 1] == 0;
}

}  // namespace

Wait classify_wait(const SyscallLine& line, const ReadMemory& read) {
  const auto* row = std::find_if(std::begin(kCalls), std::end(kCalls),
                                 [&](const CallRow& each) { return each.number == line.number; });
  if (row == std::end(kCalls)) {
    return Wait{.call = line.number == SyscallLine::kOutside
                            ? std::string("no system call")
                            : fmt::format("system call {}", line.number)};
  }
  Wait wait{.call = row->name};
  set_timeout_of(wait, *row, line, read);
  wait.is_blind = wait.kind != WaitKind::untimed && waits_for_nothing(*row, line);
  wait.is_output = row->role == CallRow::output;
  wait.is_close = row->role == CallRow::closes;
  wait.has_descriptor = wait.is_output || wait.is_close || row->role == CallRow::on_descriptor;
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
