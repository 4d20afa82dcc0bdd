#pragma once

// Real threads that sleep for ever, so that a task can live in their place.
//
// thread_local variables, errno, pthread_self() and keys of pthread_key_create(3) hang on a thread
// that the C library made. A task that is to have its own takes such a thread's stack and thread
// pointer, or what is kept below that (system_locals.h), while the thread itself sleeps in the
// kernel with all signals blocked. When the task is over another one takes it (space.h).

#include <optional>

#include "harness/sim/tasks/thread_pointer.h"

namespace sockdrill::sim {

struct ParkedThread {
  ThreadPointer pointer = 0;
  char* stack_top = nullptr;     ///< below what the sleeping thread uses itself
  char* stack_bottom = nullptr;  ///< above its guard page
};

/// A new one; nothing when the machine gives no more threads. It is never destroyed: it ends with
/// the process.
std::optional<ParkedThread> park_thread();

/// Whether tasks, and whoever runs them, have this thread's pointer: set for those that are parked,
/// and by whoever runs tasks for its own. False in any other, which runs beside them.
extern thread_local constinit bool is_thread_of_tasks [[gnu::tls_model("initial-exec")]];

}  // namespace sockdrill::sim
