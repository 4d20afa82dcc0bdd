#pragma once

// One thread of a simulated process: it runs until it must wait, then the next one runs.

#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/tasks/context.h"
#include "harness/sim/tasks/space.h"

namespace sockdrill::sim {

class Scheduler;

/// What a thread has beside its stack, and what a switch must keep where two of them share a thread
/// pointer.
struct ThreadBits {
  int error = 0;              ///< errno
  void* caught = nullptr;     ///< __cxa_eh_globals of the C++ ABI: exceptions being handled,
  unsigned int uncaught = 0;  ///< and those on their way
};

class Task final : public Waiter {
 public:
  enum class State { runnable, parked, finished };

  Task(Scheduler& scheduler, Process& process, pid_t id, Space& space);
  ~Task() override;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool wake(std::uint32_t events) override;
  /// A signal is there: it is to look, and may wait on.
  void interrupt();

  Scheduler& scheduler;
  Process& process;
  const pid_t id;  ///< gettid(2)
  ThreadSignals signals;

  // Of interest to whoever looks on.
  [[nodiscard]] State state() const { return state_; }
  /// The call it is in, for reports: "epoll_wait". A literal; nullptr outside of calls.
  const char* call = nullptr;
  /// Of the calls it is in.
  std::vector<Ref<File>> files_in_use;
  std::uint64_t calls = 0;
  std::uint64_t sleeps = 0;  ///< times that it has parked
  /// Of its last wait: by what it waited for. Else a signal or the deadline has ended it.
  [[nodiscard]] bool was_woken() const { return was_woken_; }
  /// When its present wait is over at the latest; kNever.
  [[nodiscard]] VirtualTime until() const { return until_; }
  /// Calls since it last waited: beyond Scheduler::kQuantum it is made to wait.
  std::uint32_t calls_at_a_stretch = 0;

  // What pthread_create(3) and its kin know of it.
  void* result = nullptr;
  bool is_first = false;  ///< of its process
  bool is_detached = false;
  bool is_cancelled = false;
  bool may_be_cancelled = true;
  WaitQueue finished_queue;
  /// pthread_self(3).
  [[nodiscard]] ThreadPointer identity() const { return space_->identity(); }
  /// Whether it is a thread that runs with the harness's pointer: then pthread_setspecific(3) sets
  /// `specifics`, by key.
  [[nodiscard]] bool shares_pointer() const { return space_->shares_pointer(); }
  std::vector<void*> specifics;
  /// Where its stack begins, which grows down.
  [[nodiscard]] const char* stack_top() const { return space_->top; }

 private:
  friend class Scheduler;

  State state_ = State::runnable;
  Space* space_;
  Context context_;
  ThreadBits bits_;
  bool has_kept_bits_ = false;
  void* fake_stack_ = nullptr;  ///< AddressSanitizer's, while it does not run
  std::function<void()> body_;
  std::list<WaitLink> links_;  ///< none is ever moved
  bool was_woken_ = false;
  bool is_interrupted_ = false;
  VirtualTime until_ = kNever;  ///< else it is among the sleepers
  std::size_t place_among_sleepers_ = 0;
  /// A child of fork(2) that has not run yet: it goes on where its parent was.
  bool is_new_child_ = false;
  pid_t forked_ = 0;  ///< the child of its last fork(2)
  // While another task's octets lie in their common place.
  std::vector<char> stack_octets_;
  std::vector<char> thread_local_octets_;
};

/// The task that runs; nullptr in the harness. Whether a call of the C library is a simulated one
/// hangs on this, so it costs one load.
extern thread_local constinit Task* current_task [[gnu::tls_model("initial-exec")]];

/// For the time of a block, on a task: the harness's own work, whose calls are real.
class Outside final {
 public:
  Outside() : task_(current_task) { current_task = nullptr; }
  ~Outside() { current_task = task_; }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

 private:
  Task* task_;
};

}  // namespace sockdrill::sim
