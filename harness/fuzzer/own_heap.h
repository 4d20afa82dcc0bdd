#pragma once

// A heap for the blocks that are ours, where a server is linked with us: two thousand of them come
// and go with each input, and a heap that all share, or a sanitizer's, takes longer for them than
// the server for its work. A block goes back to those of its size, and its memory stays ours.
// Internal to fuzzer/.
//
// Ours is what is taken while the server does not run its own code (held_memory.h). Blocks
// larger than kLargest are the common heap's. Not for several threads: those that only wait lend
// their thread pointers to tasks (sim/tasks/parked_thread.h), the others are not served.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "harness/fuzzer/held_memory.h"
#include "harness/sim/tasks/parked_thread.h"

namespace sockdrill {

class OwnHeap final {
 public:
  static constexpr std::size_t kLargest = std::size_t{1} << 20U;

  /// From here on blocks are had of it, by the thread that calls this; without room for it, of
  /// none.
  void begin();

  /// nullptr: none is to be had here. Aligned to 16 octets.
  void* take(std::size_t size) {
    if (size > kLargest) return nullptr;
    const std::size_t kind = kind_of(size);
    Free* const block = free_[kind];
    if (block == nullptr) return carve(kind);
    free_[kind] = block->next;
    return block;
  }

  [[nodiscard]] bool holds(const void* block) const {
    return reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(region_) <
           reserved_;
  }

  /// One that it holds. Another thread's is lost: the list is not its to change.
  void give_back(void* block) {
    if (!sim::is_thread_of_tasks) return;
    Free*& first = free_[kind_of_block(block)];
    first = new (block) Free{first};
  }

  /// The octets of a block that it holds.
  [[nodiscard]] std::size_t room_of(const void* block) const {
    return size_of(kind_of_block(block));
  }

 private:
  struct Free {
    Free* next;
  };

  static constexpr std::size_t kRegion = std::size_t{1} << 32U;   ///< reserved, not taken
  static constexpr std::size_t kGranule = std::size_t{1} << 16U;  ///< holds blocks of one kind
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kLargestOfSteps = 1024;  ///< beyond it sizes are powers of two
  static constexpr std::size_t kSteps = kLargestOfSteps / kStep;
  static constexpr std::size_t kKinds =
      kSteps + static_cast<std::size_t>(std::bit_width(kLargest / kLargestOfSteps)) - 1;

  static std::size_t kind_of(std::size_t size) {
    if (size <= kStep) return 0;
    if (size <= kLargestOfSteps) return (size - 1) / kStep;
    return kSteps - 1 + static_cast<std::size_t>(std::bit_width((size - 1) / kLargestOfSteps));
  }
  static std::size_t size_of(std::size_t kind) {
    return kind < kSteps ? (kind + 1) * kStep : kLargestOfSteps << (kind - kSteps + 1);
  }
  [[nodiscard]] std::size_t kind_of_block(const void* block) const {
    return kinds_[static_cast<std::size_t>(static_cast<const char*>(block) - region_) / kGranule];
  }
  void* carve(std::size_t kind);

  struct Rest {
    char* begin = nullptr;
    char* end = nullptr;
  };

  char* region_ = nullptr;
  std::size_t reserved_ = 0;  ///< its octets; 0 until begin()
  std::size_t granules_ = 0;  ///< those in use
  std::array<Free*, kKinds> free_{};
  std::array<Rest, kKinds> rest_{};  ///< of each kind's last granule
  std::array<std::uint8_t, kRegion / kGranule> kinds_{};
};

/// What `operator new` and malloc(3) take of, and may hand back to.
extern constinit OwnHeap own_heap;

/// A block, when it is ours and to be had here; else nullptr.
inline void* take_if_ours(std::size_t size) {
  return sim::is_thread_of_tasks && running_server() == nullptr ? own_heap.take(size) : nullptr;
}

/// The common heap gives no memory back to the system from here on: with each input the server
/// gives back nearly all it has, and takes it again.
void keep_common_heap();

}  // namespace sockdrill
