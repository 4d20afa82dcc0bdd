#pragma once

// Waiting for a word of memory, as futex(2) has it: what mutexes, condition variables and the rest
// are built on.

#include <memory>
#include <unordered_map>

#include "harness/sim/kernel/wait.h"

namespace sockdrill::sim {

class AddressWaits final {
 public:
  /// Where those stand who wait at `address` in that process. Valid until forget() finds it empty.
  WaitQueue& queue(const void* process, const void* address);
  /// Wakes the first one, or all. How many those were.
  std::size_t wake(const void* process, const void* address, bool all);
  /// A queue in which nobody stands any more.
  void forget(const void* process, const void* address);

 private:
  struct Key {
    const void* process;
    const void* address;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.address) * 31 + std::hash<const void*>()(key.process);
    }
  };
  std::unordered_map<Key, std::unique_ptr<WaitQueue>, Hash> queues_;
};

}  // namespace sockdrill::sim
