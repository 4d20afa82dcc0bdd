// pthread_create(3) and what a thread's life has: joining, ending, cancelling, its own data.

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include <cstring>

#include "harness/base/check.h"
#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// Destructors of thread_local objects, of the thread whose pointer is set: the C library keeps the
/// list and has a private function for it.
void destroy_thread_locals() {
  static auto* const call =
      reinterpret_cast<void (*)()>(::dlvsym(RTLD_DEFAULT, "__call_tls_dtors", "GLIBC_PRIVATE"));
  if (call != nullptr) call();
}

_Unwind_Reason_Code unwind_step(int, _Unwind_Action actions, _Unwind_Exception_Class,
                                _Unwind_Exception*, _Unwind_Context*, void*) {
  if ((actions & _UA_END_OF_STACK) != 0) end_thread(*current_task);
  return _URC_NO_REASON;
}

/// Runs the destructors of what lies on the stack, then ends the thread.
[[noreturn]] void unwind_thread() {
  // On the heap, for the stack is unwound; it is never used after that. It is not the server's.
  current_task->call = "pthread_exit";
  auto* exception = new _Unwind_Exception{};
  ::_Unwind_ForcedUnwind(exception, unwind_step, nullptr);
  end_thread(*current_task);  // a stack that cannot be unwound
}

int join(pthread_t thread, void** result, VirtualTime until) {
  Task& task = *current_task;
  Task* other = find_thread(thread);
  if (other == nullptr) return ESRCH;
  if (other == &task) return EDEADLK;
  if (other->is_detached) return EINVAL;
  begin_call(task, "pthread_join");
  while (other->state() != Task::State::finished) {
    if (task.scheduler.kernel().now() >= until) {
      end_call(task);
      return ETIMEDOUT;
    }
    task.scheduler.park(
        task,
        Stop{.error = {}, .queue = &other->finished_queue, .more_queues = {}, .until = until});
    check_cancelled(task);
    end_call(task);
  }
  if (result != nullptr) *result = other->result;
  task.scheduler.release(*other);
  end_call(task);
  return 0;
}

}  // namespace

Task* find_thread(pthread_t thread) {
  const Task& task = *current_task;
  return task.scheduler.find(task.process, static_cast<ThreadPointer>(thread));
}

void end_thread(Task& task) {
  if (task.is_first) task.is_detached = true;  // whoever joins it is not a server
  task.may_be_cancelled = false;
  destroy_thread_locals();
  destroy_specifics();
  task.scheduler.finish(*current_task);
}

void check_cancelled(Task& task) {
  if (!task.is_cancelled || !task.may_be_cancelled) return;
  task.may_be_cancelled = false;
  task.result = PTHREAD_CANCELED;
  unwind_thread();
}

}  // namespace sockdrill::sim

extern "C" [[gnu::weak]] void __asan_init();

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

// The thread's own control block begins with its address; the C library has the same.
SIMULATED_CALL pthread_t pthread_self() noexcept {
  return static_cast<pthread_t>(is_simulated() ? current_task->identity() : thread_pointer());
}

SIMULATED_CALL int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                  void* (*function)(void*), void* argument) noexcept {
  if (!is_simulated())
    return next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create")(
        thread, attributes, function, argument);
  if (__asan_init != nullptr) {
    // It keeps account of each thread's stack and end, as the C library's own threads have them.
    if (is_called_by_sanitizer(__builtin_return_address(0))) {
      refuse_call("pthread_create() by way of AddressSanitizer");
      return ENOSYS;
    }
    static const bool are_known = (find_keys_of_sanitizer(), true);
    static_cast<void>(are_known);
  }
  if (const int error = strike(CallKind::thread).error; error != 0) return error;
  Task& task = *current_task;
  if (task.scheduler.kernel().is_process_limit_reached) return EAGAIN;
  begin_call(task, "pthread_create");
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) ::pthread_attr_getdetachstate(attributes, &detached);
  Task* created = task.scheduler.start_thread(task, [function, argument] {
    void* result = function(argument);
    Task& myself = *current_task;
    myself.result = result;
    end_thread(myself);
  });
  if (created != nullptr) {
    created->is_detached = detached == PTHREAD_CREATE_DETACHED;
    *thread = static_cast<pthread_t>(created->identity());
  }
  end_call(task);
  return created != nullptr ? 0 : EAGAIN;
}

SIMULATED_CALL int pthread_join(pthread_t thread, void** result) {
  if (!is_simulated()) return REAL_FUNCTION(pthread_join)(thread, result);
  return join(thread, result, kNever);
}

SIMULATED_CALL int pthread_timedjoin_np(pthread_t thread, void** result, const timespec* until) {
  if (!is_simulated()) return REAL_FUNCTION(pthread_timedjoin_np)(thread, result, until);
  return join(thread, result, until == nullptr ? kNever : time_on(CLOCK_REALTIME, *until));
}

SIMULATED_CALL int pthread_tryjoin_np(pthread_t thread, void** result) noexcept {
  if (!is_simulated()) return next<int(pthread_t, void**)>("pthread_tryjoin_np")(thread, result);
  const Task* other = find_thread(thread);
  if (other != nullptr && other->state() != Task::State::finished) {
    current_task->scheduler.account(*current_task);
    return EBUSY;
  }
  return join(thread, result, kNever);
}

SIMULATED_CALL int pthread_detach(pthread_t thread) noexcept {
  if (!is_simulated()) return next<int(pthread_t)>("pthread_detach")(thread);
  Task* other = find_thread(thread);
  if (other == nullptr) return ESRCH;
  if (other->is_detached) return EINVAL;
  other->is_detached = true;
  if (other->state() == Task::State::finished) other->scheduler.release(*other);
  return 0;
}

SIMULATED_CALL void pthread_exit(void* result) {
  if (!is_simulated()) REAL_FUNCTION(pthread_exit)(result);
  current_task->result = result;
  current_task->may_be_cancelled = false;
  unwind_thread();
}

SIMULATED_CALL int pthread_cancel(pthread_t thread) {
  if (!is_simulated()) return REAL_FUNCTION(pthread_cancel)(thread);
  Task* other = find_thread(thread);
  if (other == nullptr) return ESRCH;
  other->is_cancelled = true;
  other->wake(0);
  return 0;
}

SIMULATED_CALL void pthread_testcancel() {
  if (!is_simulated()) return REAL_FUNCTION(pthread_testcancel)();
  check_cancelled(*current_task);
}

SIMULATED_CALL int pthread_setcancelstate(int state, int* old) {
  if (!is_simulated()) return REAL_FUNCTION(pthread_setcancelstate)(state, old);
  Task& task = *current_task;
  if (old != nullptr) *old = task.may_be_cancelled ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE;
  task.may_be_cancelled = state == PTHREAD_CANCEL_ENABLE;
  return 0;
}

SIMULATED_CALL int pthread_setname_np(pthread_t thread, const char* name) noexcept {
  if (!is_simulated()) return next<int(pthread_t, const char*)>("pthread_setname_np")(thread, name);
  return std::strlen(name) > 15 ? ERANGE : 0;
}

SIMULATED_CALL int pthread_setaffinity_np(pthread_t thread, std::size_t size,
                                          const cpu_set_t* set) noexcept {
  if (!is_simulated())
    return next<int(pthread_t, std::size_t, const cpu_set_t*)>("pthread_setaffinity_np")(thread,
                                                                                         size, set);
  return 0;  // there is one processor
}

SIMULATED_CALL int pthread_setschedparam(pthread_t thread, int policy,
                                         const sched_param* parameters) noexcept {
  if (!is_simulated())
    return next<int(pthread_t, int, const sched_param*)>("pthread_setschedparam")(thread, policy,
                                                                                  parameters);
  return policy == SCHED_OTHER ? 0 : EPERM;
}

SIMULATED_CALL int sched_yield() noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_sched_yield));
  Task& task = *current_task;
  begin_call(task, "sched_yield");
  task.scheduler.yield(task);
  end_call(task);
  return 0;
}

SIMULATED_CALL pid_t gettid() noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_gettid));
  return current_task->id;
}
