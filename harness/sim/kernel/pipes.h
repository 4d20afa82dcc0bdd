#pragma once

// pipe2(2), eventfd(2), timerfd_create(2), signalfd(2).

#include <sys/timerfd.h>

#include "harness/sim/kernel/file.h"
#include "harness/sim/kernel/signals.h"

namespace sockdrill::sim {

/// fds[0] reads, fds[1] writes. O_CLOEXEC, O_NONBLOCK; EINVAL for others (O_DIRECT is not
/// simulated).
Outcome<void> create_pipe(Process& process, int flags, int* fds);

/// EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE.
Outcome<int> create_event(Process& process, unsigned initial, int flags);

/// CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME.
Outcome<int> create_timer(Process& process, int clock, int flags);
/// timerfd_settime(2), timerfd_gettime(2). EBADF, EINVAL. `old` may be nullptr.
Outcome<void> set_timer(Process& process, int fd, int flags, const itimerspec& value,
                        itimerspec* old);
Outcome<itimerspec> get_timer(Process& process, int fd);

/// `fd` is -1 for a new one. Reads what is pending for the process and for the thread that reads.
Outcome<int> create_signal_file(Process& process, int fd, SignalBits mask, int flags);

}  // namespace sockdrill::sim
