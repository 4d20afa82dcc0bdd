#pragma once

// The thread_local variables of the C library and of the C++ library: errno, malloc's caches,
// exceptions under way, buffers of functions like inet_ntoa(3).
//
// Loading another thread pointer is a call of the kernel where the processor's own instruction is
// not allowed, of several microseconds. Where a server has no thread_local variables of its own its
// threads can do with the harness's pointer: what the libraries have there is put in its place
// instead, some two hundred octets. Other libraries' variables may refer to each other by address,
// and stay where they are: then each thread has its own pointer.

#include <cstddef>
#include <vector>

#include "harness/sim/tasks/thread_pointer.h"

namespace sockdrill::sim {

struct SystemLocals {
  struct Stretch {
    std::ptrdiff_t below_pointer = 0;  ///< it begins so far below a thread pointer
    std::size_t size = 0;              ///< octets
    bool operator==(const Stretch&) const = default;
  };
  std::vector<Stretch> stretches;
  /// Whether anybody else has such variables, beside the program or library that this code is in.
  bool has_others = false;
  bool operator==(const SystemLocals&) const = default;
};

/// As it is in this process now.
SystemLocals find_system_locals();

/// What `one` has, `other` has afterwards, and the other way round. Uses no thread_local itself.
void exchange(const SystemLocals& locals, ThreadPointer one, ThreadPointer other);

}  // namespace sockdrill::sim
