#pragma once

// The memory a task's functions run on: pages of its own, or a parked thread's.

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "harness/sim/tasks/system_locals.h"
#include "harness/sim/tasks/thread_pointer.h"

namespace sockdrill::sim {

class Task;

/// A thread's control block, and the one task whose thread_local octets lie there.
struct ThreadBlock {
  ThreadPointer pointer = 0;
  Task* resident = nullptr;
};

/// A stack and a thread block. Several tasks share a stack after a fork(2); the one whose octets
/// lie there is the resident. All stacks that are not a parked thread's share the harness's block,
/// and those of threads may (system_locals.h).
struct Space {
  char* bottom = nullptr;
  char* top = nullptr;
  ThreadBlock own_block;         ///< a parked thread's
  ThreadBlock* block = nullptr;  ///< the one that is used
  Task* resident = nullptr;
  int users = 0;
  /// Else these are pages of our own.
  [[nodiscard]] bool has_own_thread() const { return own_block.pointer != 0; }
  /// Else it runs with the harness's.
  [[nodiscard]] bool has_own_pointer() const { return block == &own_block; }
  /// A thread's that runs with the harness's.
  [[nodiscard]] bool shares_pointer() const { return has_own_thread() && !has_own_pointer(); }
  /// What pthread_self(3) is there.
  [[nodiscard]] ThreadPointer identity() const {
    return has_own_thread() ? own_block.pointer : block->pointer;
  }
};

/// All spaces there are, used again and again.
class Spaces final {
 public:
  Spaces();
  ~Spaces();
  Spaces(const Spaces&) = delete;
  Spaces& operator=(const Spaces&) = delete;

  /// Pages for a process' first thread, which uses the harness's own thread pointer. nullptr: no
  /// memory.
  Space* take_own();
  /// A parked thread's. nullptr: no thread to be had. `may_share`: whether it may do with the
  /// harness's pointer; asked when there is a new one.
  Space* take_thread(const std::function<bool()>& may_share);
  /// When its last user has gone.
  void give_back(Space& space);

  /// Of those that share the harness's pointer.
  [[nodiscard]] const SystemLocals& system_locals() const { return system_locals_; }

 private:
  ThreadBlock harness_block_;
  SystemLocals system_locals_;
  std::vector<std::unique_ptr<Space>> all_;
  std::vector<Space*> free_own_;
  std::vector<Space*> free_threads_;
};

}  // namespace sockdrill::sim
