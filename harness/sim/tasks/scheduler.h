#pragma once

// Runs the tasks, one after the other, on the one thread there is.
//
// A task runs until it parks, yields or ends; nothing else takes the processor from it, so the same
// inputs give the same order. A schedule makes it another order, as repeatable, and lets others go
// on at any call. Time is the kernel's virtual clock and passes only when nobody can run.

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/tasks/address_waits.h"
#include "harness/sim/tasks/memory_image.h"
#include "harness/sim/tasks/task.h"

namespace sockdrill::sim {

class Scheduler final : public ProcessObserver {
 public:
  /// A task that makes so many calls without ever waiting has used up a millisecond of processor:
  /// it waits for the clock to have passed it. A server that polls in a loop thus gets on, and one
  /// that spins does not stop the rest.
  static constexpr std::uint32_t kQuantum = 1000;
  static constexpr Nanoseconds kQuantumTime = std::chrono::milliseconds(1);

  /// `kernel` outlives the scheduler.
  Scheduler(Kernel& kernel, ServerMemory memory);
  ~Scheduler() override;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // For the harness.
  /// The first task of `process`. When `body` returns the process ends with status 0. nullptr: no
  /// memory.
  Task* start_process(Process& process, std::function<void()> body);
  /// Runs whoever can, until nobody can (or, when tasks keep waking each other, for a while: then
  /// is_idle() is false). Not from a task.
  void run();
  [[nodiscard]] bool is_idle() const;
  /// When the next task's wait is over for its own deadline; kNever.
  [[nodiscard]] VirtualTime next_deadline() const;
  /// Wakes those whose deadline is there.
  void wake_due();
  /// Lets the processes and the timers have everything up to `time`: runs, advances, runs. Stops
  /// early when `should_stop` says so, asked whenever nobody can run.
  void run_until(VirtualTime time, const std::function<bool()>& should_stop);
  /// Who goes on where several tasks could, the one that runs among them: at each call, lock and
  /// wake-up. `choices` says it, each modulo the number of those tasks, then the seed draws. With
  /// neither it is first come, first served, and nothing is taken from a task.
  void set_schedule(std::uint64_t seed, std::vector<std::uint8_t> choices);
  [[nodiscard]] std::vector<const Task*> tasks_of(const Process& process) const;
  /// Processor time the process has used, in the simulation's coin: a microsecond a call.
  [[nodiscard]] Nanoseconds processor_time(const Process& process) const;
  /// Ends a process at once, from outside or from one of its tasks (which then is over).
  /// `status` as wait(2) gives it.
  void end_process(Process& process, int status);
  MemoryImages& images() { return images_; }
  AddressWaits& addresses() { return addresses_; }
  Kernel& kernel() { return kernel_; }

  // For the task that runs.
  /// Another thread of its process. nullptr: no more threads (EAGAIN of pthread_create(3)).
  Task* start_thread(Task& from, std::function<void()> body);
  /// Waits as a stopped call says. Returns when woken, at the deadline, or for a signal.
  void park(Task& task, const Stop& stop);
  /// To the end of the line.
  void yield(Task& task);
  /// A place where the schedule may let another task go on.
  void offer(Task& task) {
    if (is_scheduled_ && !ready_.empty()) offer_scheduled(task);
  }
  /// One call more: past the quantum the task is made to wait.
  void account(Task& task) {
    offer(task);
    ++task.calls;
    if (++task.calls_at_a_stretch >= kQuantum) preempt(task);
  }
  /// fork(2), for the calling thread. The child's pid; 0 in the child itself. A number, for the
  /// child may have ended, and be forgotten, by the time that its parent goes on.
  pid_t fork(Task& task);
  /// The calling task is over.
  [[noreturn]] void finish(Task& task);
  /// A thread that was joined, or is finished and detached.
  void release(Task& task);
  /// No task has anything under that key (Task::specifics).
  void forget_specific(unsigned key);
  /// The thread that pthread_self(3) calls so, of that process. nullptr: none.
  [[nodiscard]] Task* find(const Process& process, ThreadPointer thread) const;

  // What the kernel tells.
  void signalled(Process& process, ThreadSignals* thread) override;

 private:
  friend class Task;
  enum class Request { none, fork, end_thread, end_process };

  Task& add(Process& process, Space& space, pid_t id, std::function<void()> body);
  void make_ready(Task& task);
  Task* take_ready();
  void preempt(Task& task);
  void offer_scheduled(Task& task);
  std::size_t choose(std::size_t count);
  void add_sleeper(Task& task, VirtualTime until);
  void remove_sleeper(Task& task);
  void release_all(Process& process, const Task* but);
  /// What a task asks for when it leaves, and cannot do on its own stack.
  void carry_out_request(Task& task);
  void carry_out_fork(Task& parent);
  void after_thread(Task& task);

  // switching.cpp.
  void switch_to(Task& task);
  /// From a task back to run().
  void leave(Task& task);
  void bring_in(Task& task);
  [[nodiscard]] bool may_share_pointer() const;
  [[nodiscard]] char* thread_locals_of(const Task& task) const;
  void keep_stack(Task& task);
  void keep_thread_locals(const Task& of, Task& in);
  static void begin(void* task);

  Kernel& kernel_;
  MemoryImages images_;
  AddressWaits addresses_;
  Spaces spaces_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<Task*> ready_;  ///< in the order in which they became so
  std::vector<Task*> sleepers_;
  // The schedule.
  bool is_scheduled_ = false;
  std::uint64_t random_ = 0;
  std::vector<std::uint8_t> choices_;
  std::size_t next_choice_ = 0;
  Task* chosen_ = nullptr;  ///< goes on next
  Context harness_;
  ThreadBits harness_bits_;
  void* harness_fake_stack_ = nullptr;
  const void* harness_stack_ = nullptr;
  std::size_t harness_stack_size_ = 0;
  Request request_ = Request::none;
  int exit_status_ = 0;
  std::map<const Process*, std::uint64_t>
      calls_of_finished_;  ///< of a process' threads that are gone
};

}  // namespace sockdrill::sim
