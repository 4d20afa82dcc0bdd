#pragma once

// What the server holds of the heap, which it shares with the simulated kernel and with us: told
// apart by who runs when a block is taken. Internal to fuzzer/.
//
// A block that a task takes outside of its calls is the server's, of the process it belongs to; so
// is its end, wherever it is given back. What a process has not given back when it ends, its kernel
// takes with the rest of its memory: nobody asks any more.

#include <cstddef>
#include <cstdint>

#include "harness/sim/tasks/task.h"

namespace sockdrill {

/// The task whose own code runs, outside of its calls: what is taken is the server's. nullptr:
/// ours.
inline const sim::Task* running_server() {
  const sim::Task* const task = sim::current_task;
  return task != nullptr && task->call == nullptr ? task : nullptr;
}

/// From here on blocks are counted. False: nobody tells us of them.
bool begin_to_count_memory();

// By whoever is the heap (heap.cpp, or a sanitizer's), which has not to be entered again.

void note_taken(const void* block, std::size_t octets);
/// Blocks that were not counted, too.
void note_given_back(const void* block);

}  // namespace sockdrill
