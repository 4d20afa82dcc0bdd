#pragma once

// What a server holds at one moment, as the watch samples it and the judge compares it.

#include <cstdint>

#include "harness/base/deadline.h"

namespace sockdrill {

struct Resources {
  int processes = 0;  ///< live, zombies not counted
  int threads = 0;
  int zombies = 0;
  int descriptors = 0;  ///< over all processes
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;  ///< terabytes under AddressSanitizer and its kin
  Nanoseconds ran{0};       ///< CPU time consumed so far, by live tasks and by those that ended
                            ///< (schedstat; cutime for the reaped)
  Nanoseconds runnable{0};  ///< time spent waiting for a CPU (schedstat)
  std::uint64_t runs = 0;   ///< times that a task was given a CPU
  int close_wait = 0;       ///< the server's TCP sockets in CLOSE_WAIT
  bool operator==(const Resources&) const = default;
};

}  // namespace sockdrill
