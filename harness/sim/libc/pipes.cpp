// pipe(2), eventfd(2), timerfd_create(2), signalfd(2).

#include "harness/sim/kernel/pipes.h"

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/sim/libc/calls.h"

extern "C" [[gnu::weak]] int __asan_report_present();

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

namespace {

/// A sanitizer's runtime has pipes of its own, to its symbolizer and to try out memory: real ones,
/// of which it reads and writes without the C library.
bool is_for_sanitizer(const void* caller) {
  if (!is_called_by_sanitizer(caller)) return false;
  const bool is_reporting = __asan_report_present != nullptr && __asan_report_present() != 0;
  if (const Simulation& there = *simulation(); is_reporting && there.on_report) there.on_report();
  return true;
}

int make_pipe(int fds[2], int flags, const void* caller) {
  if (!is_simulated() || is_for_sanitizer(caller))
    return static_cast<int>(real(SYS_pipe2, fds, flags));
  Process& process = current_task->process;
  return give(carry_out_open("pipe", [&](Call&) { return create_pipe(process, flags, fds); }));
}

}  // namespace

SIMULATED_CALL int pipe2(int fds[2], int flags) noexcept {
  return make_pipe(fds, flags, __builtin_return_address(0));
}

SIMULATED_CALL int pipe(int fds[2]) noexcept {
  return make_pipe(fds, 0, __builtin_return_address(0));
}

SIMULATED_CALL int eventfd(unsigned initial, int flags) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_eventfd2, initial, flags));
  Process& process = current_task->process;
  return give(
      carry_out_open("eventfd", [&](Call&) { return create_event(process, initial, flags); }));
}

SIMULATED_CALL int eventfd_read(int fd, eventfd_t* value) {
  return read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

SIMULATED_CALL int eventfd_write(int fd, eventfd_t value) {
  return write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}

SIMULATED_CALL int timerfd_create(int clock, int flags) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_timerfd_create, clock, flags));
  Process& process = current_task->process;
  return give(
      carry_out_open("timerfd_create", [&](Call&) { return create_timer(process, clock, flags); }));
}

SIMULATED_CALL int timerfd_settime(int fd, int flags, const itimerspec* value,
                                   itimerspec* old) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_timerfd_settime, fd, flags, value, old));
  Process& process = current_task->process;
  return give(carry_out("timerfd_settime",
                        [&](Call&) { return set_timer(process, fd, flags, *value, old); }));
}

SIMULATED_CALL int timerfd_gettime(int fd, itimerspec* value) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_timerfd_gettime, fd, value));
  Process& process = current_task->process;
  const Outcome<itimerspec> found =
      carry_out("timerfd_gettime", [&](Call&) { return get_timer(process, fd); });
  if (!found) return fail_with(found.error().error.value);
  *value = *found;
  return 0;
}

SIMULATED_CALL int signalfd(int fd, const sigset_t* mask, int flags) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_signalfd4, fd, mask, 8, flags));
  Process& process = current_task->process;
  return give(carry_out_open(
      "signalfd", [&](Call&) { return create_signal_file(process, fd, bits_of(*mask), flags); }));
}
