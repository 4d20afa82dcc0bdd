// How the processor gets from the harness to a task and back: stacks, thread pointers, the memory
// that tasks share, and what a sanitizer is told of it.

#include <cxxabi.h>

#include <cerrno>
#include <utility>

#include "harness/sim/tasks/copy_octets.h"
#include "harness/sim/tasks/scheduler.h"

// AddressSanitizer follows a switch of stacks when it is told (sanitizer/common_interface_defs.h).
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom,
                                                  std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old,
                                                   std::size_t* size_old);
[[gnu::weak]] void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
}

namespace sockdrill::sim {

namespace {

/// What every C++ program's threads have (Itanium C++ ABI, 2.2.2).
struct ExceptionGlobals {
  void* caught;
  unsigned int uncaught;
};
ExceptionGlobals& exception_globals() {
  return *reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals());
}

// Not inlined: where the thread pointer changes no address of a thread_local may be kept.
[[gnu::noinline]] void keep(ThreadBits& bits) {
  const ExceptionGlobals& globals = exception_globals();
  bits = {.error = errno, .caught = globals.caught, .uncaught = globals.uncaught};
}
[[gnu::noinline]] void restore(const ThreadBits& bits) {
  errno = bits.error;
  exception_globals() = {.caught = bits.caught, .uncaught = bits.uncaught};
}
[[gnu::noinline]] void set_current(Task* task) { current_task = task; }
[[gnu::noinline]] Task& running() { return *current_task; }

/// A switch to another thread pointer is one of threads to it.
bool is_told_to_sanitizer(const Space& space) {
  return __sanitizer_start_switch_fiber != nullptr && !space.has_own_pointer();
}

/// From the harness into a task and back. Uses no thread_local itself.
[[gnu::noinline]] void cross(Context& harness, const Context& context, const Space& space,
                             const SystemLocals& locals, Task& task) {
  const ThreadPointer own = thread_pointer();
  const ThreadPointer pointer = space.block->pointer;
  const bool shares = space.shares_pointer();
  if (pointer != own) set_thread_pointer(pointer);
  if (shares) exchange(locals, own, space.own_block.pointer);
  set_current(&task);
  switch_context(harness, context);
  if (shares) exchange(locals, own, space.own_block.pointer);
  if (pointer != own)
    set_thread_pointer(own);
  else
    set_current(nullptr);
}

}  // namespace

bool Scheduler::may_share_pointer() const {
  const std::function<bool()>& has_some = images_.memory().has_thread_locals;
  return has_some && !has_some();
}

void Scheduler::begin(void* argument) {
  Task& task = *static_cast<Task*>(argument);
  Scheduler& scheduler = task.scheduler;
  if (is_told_to_sanitizer(*task.space_))
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.harness_stack_,
                                    &scheduler.harness_stack_size_);
  restore(ThreadBits{});
  task.body_();
  scheduler.finish(running());
}

char* Scheduler::thread_locals_of(const Task& task) const {
  return reinterpret_cast<char*>(task.space_->block->pointer) - images_.memory().below_pointer;
}

void Scheduler::bring_in(Task& task) {
  images_.bring_in(task.process);
  Space& space = *task.space_;
  if (Task* other = std::exchange(space.resident, &task); other != &task) {
    if (other != nullptr) keep_stack(*other);
    if (!task.stack_octets_.empty()) {
      char* used = static_cast<char*>(task.context_.stack_pointer);
      // Its red zones are lost; what is not poisoned is never reported wrongly.
      if (__asan_unpoison_memory_region != nullptr)
        __asan_unpoison_memory_region(used, task.stack_octets_.size());
      copy_octets(used, task.stack_octets_.data(), task.stack_octets_.size());
    }
  }
  if (Task* other = std::exchange(space.block->resident, &task); other != &task) {
    if (other != nullptr) keep_thread_locals(*other, *other);
    copy_octets(thread_locals_of(task), task.thread_local_octets_.data(),
                task.thread_local_octets_.size());
  }
}

void Scheduler::keep_stack(Task& task) {
  const char* used = static_cast<const char*>(task.context_.stack_pointer);
  task.stack_octets_.resize(static_cast<std::size_t>(task.space_->top - used));
  copy_octets(task.stack_octets_.data(), used, task.stack_octets_.size());
}

void Scheduler::keep_thread_locals(const Task& of, Task& in) {
  in.thread_local_octets_.resize(images_.memory().thread_locals.size());
  copy_octets(in.thread_local_octets_.data(), thread_locals_of(of), in.thread_local_octets_.size());
}

void Scheduler::switch_to(Task& task) {
  bring_in(task);
  const Space& space = *task.space_;
  const bool shares_bits = !space.has_own_thread();
  if (shares_bits) keep(harness_bits_);
  const bool is_told = is_told_to_sanitizer(space);
  if (is_told)
    __sanitizer_start_switch_fiber(&harness_fake_stack_, space.bottom,
                                   static_cast<std::size_t>(space.top - space.bottom));
  cross(harness_, task.context_, space, spaces_.system_locals(), task);
  if (is_told) __sanitizer_finish_switch_fiber(harness_fake_stack_, nullptr, nullptr);
  if (shares_bits) restore(harness_bits_);
}

void Scheduler::leave(Task& task) {
  const Space& space = *task.space_;
  const bool is_over = task.state_ == Task::State::finished;
  const bool is_told = is_told_to_sanitizer(space);
  // A thread's are its own, until it forks.
  task.has_kept_bits_ = !space.has_own_thread() || space.users > 1 || request_ == Request::fork;
  if (task.has_kept_bits_) keep(task.bits_);
  if (is_told)
    __sanitizer_start_switch_fiber(is_over ? nullptr : &task.fake_stack_, harness_stack_,
                                   harness_stack_size_);
  switch_context(task.context_, harness_);
  Task& myself = running();  // the child of a fork has come back here, too
  if (is_told)
    __sanitizer_finish_switch_fiber(myself.fake_stack_, &harness_stack_, &harness_stack_size_);
  if (myself.has_kept_bits_) restore(myself.bits_);
}

}  // namespace sockdrill::sim
