#pragma once

// A system call of the harness's own, by hand: on a task syscall(2) and the functions that make
// calls are simulated ones.

namespace sockdrill::sim {

/// The negative errno on failure. Uses no thread_local.
long call_kernel(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0);

}  // namespace sockdrill::sim
