#pragma once

// Where the running code finds its thread_local variables: the FS segment's base.

#include <cstdint>

namespace sockdrill::sim {

using ThreadPointer = std::uintptr_t;

ThreadPointer thread_pointer();

/// From here on errno, pthread_self() and every thread_local are those of `to`. A function that
/// calls this uses none of them itself, before or after: the compiler may have kept an address.
void set_thread_pointer(ThreadPointer to);

}  // namespace sockdrill::sim
