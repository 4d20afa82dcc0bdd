#pragma once

// What a ground-truth server writes into memory that it shares with the test: the truth about
// itself that the watch has to find out from outside.

#include <atomic>
#include <cstdint>

namespace sockdrill::truth {

struct Truth {
  std::atomic<std::uint64_t> bytes{0};     ///< read from clients, counted once the work is done
  std::atomic<std::uint64_t> messages{0};  ///< datagrams likewise
  std::atomic<std::uint64_t> ends{0};      ///< ends of stream and resets seen
  std::atomic<std::uint64_t> replied{0};   ///< bytes written back
  std::atomic<std::uint64_t> accepted{0};
  /// How much CPU time the server burns at most after each read, before it counts and replies.
  std::atomic<std::uint32_t> work_us{0};
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "it is shared between processes");

}  // namespace sockdrill::truth
