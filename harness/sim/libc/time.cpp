// The virtual clock: reading it, and sleeping on it.

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <ctime>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

Nanoseconds now_on(clockid_t clock) {
  Task& task = *current_task;
  const Kernel& kernel = task.scheduler.kernel();
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
      return kernel.boot_time() + kernel.now();
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      return task.scheduler.processor_time(task.process);
    default:
      return kernel.now();
  }
}

VirtualTime time_on(clockid_t clock, const timespec& time) {
  const Kernel& kernel = current_task->scheduler.kernel();
  return kernel.now() + (nanoseconds_of(time) - now_on(clock));
}

namespace {

/// Until then, or until a signal: the latter is false.
bool sleep_until(const char* name, VirtualTime until) {
  const Kernel& kernel = current_task->scheduler.kernel();
  return carry_out(name,
                   [&](Call&) -> Outcome<void> {
                     if (kernel.now() >= until) return {};
                     return tl::unexpected<Stop>(Stop{
                         .error = {}, .more_queues = {}, .until = until, .is_restartable = false});
                   })
      .has_value();
}

/// The C library's, which asks the kernel for no time that it can read itself (vdso(7)). nullptr
/// until find_real_clock().
constinit decltype(&::clock_gettime) real_clock = nullptr;

Nanoseconds left_of_alarm() {
  const std::optional<VirtualTime> at = current_task->process.alarm.at();
  return at ? *at - current_task->process.kernel.now() : Nanoseconds{0};
}

}  // namespace

void find_real_clock() { real_clock = REAL_FUNCTION(clock_gettime); }

}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on
using sockdrill::Nanoseconds;

SIMULATED_CALL int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (!is_simulated())
    return real_clock != nullptr ? real_clock(clock, time)
                                 : static_cast<int>(real(SYS_clock_gettime, clock, time));
  if (clock < 0 || clock > CLOCK_TAI) return fail_with(EINVAL);
  // A loop that only looks at the clock must see it move.
  current_task->scheduler.account(*current_task);
  *time = timespec_of(now_on(clock));
  return 0;
}

SIMULATED_CALL int gettimeofday(timeval* __restrict time, void* __restrict zone) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_gettimeofday, time, zone));
  current_task->scheduler.account(*current_task);
  *time = timeval_of(now_on(CLOCK_REALTIME));
  return 0;
}

SIMULATED_CALL time_t time(time_t* time) noexcept {
  if (!is_simulated()) return real(SYS_time, time);
  current_task->scheduler.account(*current_task);
  const time_t now = now_on(CLOCK_REALTIME) / std::chrono::seconds(1);
  if (time != nullptr) *time = now;
  return now;
}

SIMULATED_CALL clock_t clock() noexcept {
  if (!is_simulated()) return next<clock_t()>("clock")();
  return now_on(CLOCK_PROCESS_CPUTIME_ID) / std::chrono::microseconds(1);
}

SIMULATED_CALL int clock_nanosleep(clockid_t clock, int flags, const timespec* wanted,
                                   timespec* left) {
  if (!is_simulated()) return REAL_FUNCTION(clock_nanosleep)(clock, flags, wanted, left);
  if (!is_valid(*wanted)) return EINVAL;
  const bool is_absolute = (flags & TIMER_ABSTIME) != 0;
  const Kernel& kernel = current_task->scheduler.kernel();
  const VirtualTime until =
      is_absolute ? time_on(clock, *wanted) : kernel.now() + nanoseconds_of(*wanted);
  if (sleep_until("nanosleep", until)) return 0;
  if (!is_absolute && left != nullptr)
    *left = timespec_of(std::max(until - kernel.now(), Nanoseconds{0}));
  return EINTR;
}

SIMULATED_CALL int nanosleep(const timespec* wanted, timespec* left) {
  if (!is_simulated()) return REAL_FUNCTION(nanosleep)(wanted, left);
  const int error = clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
  return error == 0 ? 0 : fail_with(error);
}

SIMULATED_CALL int usleep(useconds_t microseconds) {
  const timespec wanted = timespec_of(std::chrono::microseconds(microseconds));
  return nanosleep(&wanted, nullptr);
}

SIMULATED_CALL unsigned sleep(unsigned seconds) {
  timespec left{.tv_sec = seconds, .tv_nsec = 0};
  if (nanosleep(&left, &left) == 0) return 0;
  return static_cast<unsigned>(left.tv_sec) + (left.tv_nsec > 0 ? 1 : 0);
}

SIMULATED_CALL int getitimer(__itimer_which_t which, itimerval* value) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_getitimer, int{which}, value));
  if (which != ITIMER_REAL) return refuse_call("getitimer", EINVAL);
  *value = {.it_interval = timeval_of(current_task->process.alarm_every),
            .it_value = timeval_of(left_of_alarm())};
  return 0;
}

SIMULATED_CALL int setitimer(__itimer_which_t which, const itimerval* value,
                             itimerval* old) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_setitimer, int{which}, value, old));
  if (which != ITIMER_REAL) return refuse_call("setitimer", EINVAL);
  if (old != nullptr) getitimer(which, old);
  Process& process = current_task->process;
  process.alarm_every = nanoseconds_of(value->it_interval);
  const Nanoseconds first = nanoseconds_of(value->it_value);
  if (first == Nanoseconds{0})
    process.alarm.disarm();
  else
    process.alarm.arm(process.kernel.now() + first);
  return 0;
}

SIMULATED_CALL unsigned alarm(unsigned seconds) noexcept {
  if (!is_simulated()) return static_cast<unsigned>(real(SYS_alarm, seconds));
  const Nanoseconds left = left_of_alarm();
  const itimerval value{.it_interval = {.tv_sec = 0, .tv_usec = 0},
                        .it_value = {.tv_sec = static_cast<time_t>(seconds), .tv_usec = 0}};
  setitimer(ITIMER_REAL, &value, nullptr);
  return static_cast<unsigned>((left + std::chrono::seconds(1) - Nanoseconds(1)) /
                               std::chrono::seconds(1));
}
