#include "harness/fuzzer/held_memory.h"

#include <sys/mman.h>

#include "harness/base/check.h"
#include "harness/sim/libc/simulation.h"

// Of a sanitizer's runtime (sanitizer/allocator_interface.h).
extern "C" [[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(
    void (*taken)(const volatile void* block, std::size_t octets),
    void (*given_back)(const volatile void* block));

namespace sockdrill {

namespace {

/// The blocks that are out, by address: open addressing in memory that is not the heap's.
class Blocks final {
 public:
  struct Block {
    std::uintptr_t address = 0;  ///< 0: there is none here
    pid_t pid = 0;
    std::uint32_t octets = 0;  ///< what is larger is as large as this can say
  };

  void add(const void* address, pid_t pid, std::size_t octets) {
    if (++out_ * 2 > size_) grow();
    place_for(reinterpret_cast<std::uintptr_t>(address)) = {
        reinterpret_cast<std::uintptr_t>(address), pid,
        static_cast<std::uint32_t>(octets < UINT32_MAX ? octets : UINT32_MAX)};
  }
  /// address 0: it is none of them.
  Block take(const void* address) {
    if (size_ == 0) return {};
    Block* hole = &place_for(reinterpret_cast<std::uintptr_t>(address));
    const Block found = *hole;
    if (found.address == 0) return {};
    --out_;
    // Those behind it that were only pushed there by it and its kind move up.
    std::size_t at = index_of(*hole);
    for (std::size_t i = next(at); places_[i].address != 0; i = next(i)) {
      const std::size_t wanted = start_of(places_[i].address);
      if (((i - wanted) & (size_ - 1)) < ((i - at) & (size_ - 1))) continue;
      places_[at] = places_[i];
      at = i;
    }
    places_[at] = {};
    return found;
  }

 private:
  static constexpr std::size_t kFirstSize = 1 << 8;  ///< all of it stays in the cache

  [[nodiscard]] std::size_t start_of(std::uintptr_t address) const {
    return static_cast<std::size_t>((address >> 4U) * 0x9e3779b97f4a7c15 >> 32U) & (size_ - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (size_ - 1); }
  [[nodiscard]] std::size_t index_of(const Block& block) const {
    return static_cast<std::size_t>(&block - places_);
  }
  /// Where it is, or would be.
  Block& place_for(std::uintptr_t address) {
    std::size_t i = start_of(address);
    while (places_[i].address != 0 && places_[i].address != address) i = next(i);
    return places_[i];
  }
  void grow() {
    Block* const old = places_;
    const std::size_t old_size = size_;
    size_ = old_size == 0 ? kFirstSize : old_size * 2;
    void* const room = ::mmap(nullptr, size_ * sizeof(Block), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SOCKDRILL_CHECK(room != MAP_FAILED, "no memory to count the server's");
    places_ = static_cast<Block*>(room);
    for (std::size_t i = 0; i < old_size; ++i) {
      if (old[i].address != 0) place_for(old[i].address) = old[i];
    }
    if (old != nullptr) ::munmap(old, old_size * sizeof(Block));
  }

  Block* places_ = nullptr;
  std::size_t size_ = 0;  ///< a power of two, at least twice as many as are out
  std::size_t out_ = 0;
};

// The heap calls functions, and hands them nothing of ours.
constinit Blocks blocks_out;
constinit bool is_counting = false;

void hear_of_taken(const volatile void* block, std::size_t octets) {
  note_taken(const_cast<const void*>(block), octets);
}
void hear_of_given_back(const volatile void* block) {
  note_given_back(const_cast<const void*>(block));
}

}  // namespace

bool begin_to_count_memory() {
  is_counting = true;
  if (__sanitizer_install_malloc_and_free_hooks != nullptr)
    return __sanitizer_install_malloc_and_free_hooks(hear_of_taken, hear_of_given_back) > 0;
  return true;
}

void note_taken(const void* block, std::size_t octets) {
  const sim::Task* const task = running_server();
  if (!is_counting || task == nullptr || block == nullptr) return;
  task->process.held_octets += octets;
  blocks_out.add(block, task->process.pid, octets);
}

void note_given_back(const void* block) {
  if (!is_counting || block == nullptr) return;
  const Blocks::Block found = blocks_out.take(block);
  if (found.address == 0) return;
  sim::Simulation* const there = sim::simulation();
  if (there == nullptr) return;
  sim::Process* const owner = there->kernel().find_process(found.pid);
  if (owner != nullptr) owner->held_octets -= found.octets;
}

}  // namespace sockdrill
