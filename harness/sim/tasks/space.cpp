#include "harness/sim/tasks/space.h"

#include <sys/mman.h>

#include "harness/base/check.h"
#include "harness/sim/tasks/parked_thread.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kStackBytes = std::size_t{8} << 20U;  // as `ulimit -s` has it
constexpr std::size_t kGuardBytes = 65536;

Space* take_from(std::vector<Space*>& free) {
  if (free.empty()) return nullptr;
  Space* space = free.back();
  free.pop_back();
  return space;
}

}  // namespace

Spaces::Spaces() : harness_block_{.pointer = thread_pointer()} {}

Spaces::~Spaces() {
  for (const auto& space : all_) {
    if (!space->has_own_thread()) ::munmap(space->bottom - kGuardBytes, kStackBytes + kGuardBytes);
  }
}

Space* Spaces::take_own() {
  if (Space* space = take_from(free_own_); space != nullptr) return space;
  void* pages = ::mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  ::mprotect(pages, kGuardBytes, PROT_NONE);
  Space& space = *all_.emplace_back(std::make_unique<Space>());
  space.bottom = static_cast<char*>(pages) + kGuardBytes;
  space.top = space.bottom + kStackBytes;
  space.block = &harness_block_;
  return &space;
}

Space* Spaces::take_thread(const std::function<bool()>& may_share) {
  if (Space* space = take_from(free_threads_); space != nullptr) return space;
  const std::optional<ParkedThread> parked = park_thread();
  if (!parked) return nullptr;
  Space& space = *all_.emplace_back(std::make_unique<Space>());
  space.bottom = parked->stack_bottom;
  space.top = parked->stack_top;
  space.own_block.pointer = parked->pointer;
  const SystemLocals locals = find_system_locals();
  // Those of a thread that runs are what they were when it came in.
  if (system_locals_.stretches.empty()) system_locals_ = locals;
  const bool shares = locals == system_locals_ && !locals.has_others && may_share();
  space.block = shares ? &harness_block_ : &space.own_block;
  return &space;
}

void Spaces::give_back(Space& space) {
  SOCKDRILL_CHECK(space.users == 0, "a stack is given back by its last user");
  (space.has_own_thread() ? free_threads_ : free_own_).push_back(&space);
}

}  // namespace sockdrill::sim
