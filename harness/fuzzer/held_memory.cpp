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
    std::uintptr_t address = 0;  ///< 0: free; 1: was taken
    pid_t pid = 0;
    std::uint32_t octets = 0;  ///< what is larger is as large as this can say
  };

  void add(const void* address, pid_t pid, std::size_t octets) {
    if (used_ * 2 >= size_) grow();
    Block& place = free_place_for(reinterpret_cast<std::uintptr_t>(address));
    if (place.address == 0) ++used_;
    place = {reinterpret_cast<std::uintptr_t>(address), pid,
             static_cast<std::uint32_t>(octets < UINT32_MAX ? octets : UINT32_MAX)};
  }
  /// address 0: it is none of them.
  Block take(const void* address) {
    if (size_ == 0) return {};
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (std::size_t i = start_of(wanted);; i = (i + 1) & (size_ - 1)) {
      Block& place = places_[i];
      if (place.address == 0) return {};
      if (place.address != wanted) continue;
      const Block found = place;
      const bool is_last_of_run = places_[(i + 1) & (size_ - 1)].address == 0;
      if (is_last_of_run) --used_;
      place = {.address = is_last_of_run ? 0U : kWasTaken};
      return found;
    }
  }

 private:
  static constexpr std::uintptr_t kWasTaken = 1;
  static constexpr std::size_t kFirstSize = 1 << 12;

  [[nodiscard]] std::size_t start_of(std::uintptr_t address) const {
    return static_cast<std::size_t>((address >> 4U) * 0x9e3779b97f4a7c15 >> 32U) & (size_ - 1);
  }
  Block& free_place_for(std::uintptr_t address) {
    std::size_t i = start_of(address);
    while (places_[i].address > kWasTaken) i = (i + 1) & (size_ - 1);
    return places_[i];
  }
  /// Twice the room if it is needed, and no places that were taken.
  void grow() {
    Block* const old = places_;
    const std::size_t old_size = size_;
    std::size_t out = 0;
    for (std::size_t i = 0; i < old_size; ++i) out += old[i].address > kWasTaken ? 1 : 0;
    size_ = old_size == 0 ? kFirstSize : out * 4 > old_size ? old_size * 2 : old_size;
    void* const room = ::mmap(nullptr, size_ * sizeof(Block), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SOCKDRILL_CHECK(room != MAP_FAILED, "no memory to count the server's");
    places_ = static_cast<Block*>(room);
    used_ = out;
    for (std::size_t i = 0; i < old_size; ++i) {
      if (old[i].address > kWasTaken) free_place_for(old[i].address) = old[i];
    }
    if (old != nullptr) ::munmap(old, old_size * sizeof(Block));
  }

  Block* places_ = nullptr;
  std::size_t size_ = 0;  ///< a power of two
  std::size_t used_ = 0;  ///< out, or were so
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
  const sim::Task* const task = sim::current_task;
  if (!is_counting || task == nullptr || task->call != nullptr || block == nullptr) return;
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
