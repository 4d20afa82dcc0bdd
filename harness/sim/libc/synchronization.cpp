// Mutexes, condition variables, read-write locks, semaphores, barriers, pthread_once(3), futex(2).
//
// Only one task runs at a time, and it is never interrupted: taking a free lock is an assignment.
// The objects keep the C library's layout (glibc 2.36, x86-64), for they may have been initialised
// statically, or taken before the simulation began. Whoever waits stands at the object's address.

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// Waits at `address` until woken; false at a deadline that has passed before. Handlers of signals
/// run meanwhile and wake nobody, as in glibc: there are programs that count on it.
bool wait_at(const void* address, const char* name, VirtualTime until = kNever) {
  Task& task = *current_task;
  Scheduler& scheduler = task.scheduler;
  if (scheduler.kernel().now() >= until) return false;
  do {
    task.call = name;
    scheduler.park(task, Stop{.error = {},
                              .queue = &scheduler.addresses().queue(&task.process, address),
                              .more_queues = {},
                              .until = until,
                              .is_exclusive = true});
    scheduler.addresses().forget(&task.process, address);
    const bool was_woken = task.was_woken();
    end_call(task);
    if (was_woken) break;
  } while (scheduler.kernel().now() < until);
  return true;
}

std::size_t wake_at(const void* address, bool all) {
  Task& task = *current_task;
  return task.scheduler.addresses().wake(&task.process, address, all);
}

constexpr int kKindMask = 3;  // without robustness, priorities, sharing

int lock_mutex(pthread_mutex_t* mutex, VirtualTime until, bool waits) {
  current_task->scheduler.offer(*current_task);
  auto& data = mutex->__data;
  const int me = current_task->id;
  const int kind = data.__kind & kKindMask;
  if (data.__lock != 0 && data.__owner == me) {
    if (kind == PTHREAD_MUTEX_RECURSIVE) {
      ++data.__count;
      return 0;
    }
    if (kind == PTHREAD_MUTEX_ERRORCHECK) return waits ? EDEADLK : EBUSY;
  }
  while (data.__lock != 0) {
    if (!waits) {
      current_task->scheduler.account(*current_task);
      return EBUSY;
    }
    if (!wait_at(mutex, "pthread_mutex_lock", until)) return ETIMEDOUT;
  }
  data.__lock = 1;
  data.__owner = me;
  data.__count = 1;
  ++data.__nusers;
  return 0;
}

int unlock_mutex(pthread_mutex_t* mutex) {
  auto& data = mutex->__data;
  const int kind = data.__kind & kKindMask;
  const bool is_mine = data.__lock != 0 && data.__owner == current_task->id;
  if (!is_mine && kind != PTHREAD_MUTEX_NORMAL && kind != PTHREAD_MUTEX_ADAPTIVE_NP) return EPERM;
  if (kind == PTHREAD_MUTEX_RECURSIVE && --data.__count > 0) return 0;
  data.__lock = 0;
  data.__owner = 0;
  data.__count = 0;
  if (data.__nusers > 0) --data.__nusers;
  wake_at(mutex, false);
  return 0;
}

/// For the time of a wait the whole mutex is given up, however often it was taken.
int wait_for_condition(pthread_cond_t* condition, pthread_mutex_t* mutex, VirtualTime until) {
  auto& data = mutex->__data;
  const unsigned count = data.__count;
  data.__count = 1;
  if (const int error = unlock_mutex(mutex); error != 0) {
    data.__count = count;
    return error;
  }
  const Kernel& kernel = current_task->scheduler.kernel();
  bool in_time = wait_at(condition, "pthread_cond_wait", until);
  if (in_time && kernel.now() >= until) in_time = false;
  lock_mutex(mutex, kNever, true);
  data.__count = count;
  check_cancelled(*current_task);
  return in_time ? 0 : ETIMEDOUT;
}

/// pthread_condattr_setclock(3), as pthread_cond_init(3) has noted it.
clockid_t clock_of(const pthread_cond_t* condition) {
  constexpr unsigned kMonotonic = 2;  // __PTHREAD_COND_CLOCK_MONOTONIC_MASK
  return (condition->__data.__wrefs & kMonotonic) != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

int lock_for_reading(pthread_rwlock_t* lock, VirtualTime until, bool waits) {
  auto& data = lock->__data;
  while (data.__cur_writer != 0) {
    if (data.__cur_writer == current_task->id) return EDEADLK;
    if (!waits) return EBUSY;
    if (!wait_at(lock, "pthread_rwlock_rdlock", until)) return ETIMEDOUT;
  }
  ++data.__readers;
  return 0;
}

int lock_for_writing(pthread_rwlock_t* lock, VirtualTime until, bool waits) {
  auto& data = lock->__data;
  while (data.__cur_writer != 0 || data.__readers != 0) {
    if (data.__cur_writer == current_task->id) return EDEADLK;
    if (!waits) return EBUSY;
    if (!wait_at(lock, "pthread_rwlock_wrlock", until)) return ETIMEDOUT;
  }
  data.__cur_writer = current_task->id;
  return 0;
}

/// A semaphore's value: the low word (glibc, struct new_sem, 64 bits).
unsigned& value_of(sem_t* semaphore) { return *reinterpret_cast<unsigned*>(semaphore); }

int take_semaphore(sem_t* semaphore, VirtualTime until) {
  while (value_of(semaphore) == 0) {
    if (!wait_at(semaphore, "sem_wait", until)) return fail_with(ETIMEDOUT);
    check_cancelled(*current_task);
  }
  --value_of(semaphore);
  return 0;
}

/// glibc, x86-64: as pthread_spin_init(3) leaves it; 0 is taken.
constexpr int kFreeSpinLock = 1;

/// glibc, struct pthread_barrier.
struct Barrier {
  unsigned arrived;
  unsigned round;
  unsigned count;
  int shared;
  unsigned out;
};
static_assert(sizeof(Barrier) <= sizeof(pthread_barrier_t));

long futex(int* word, int operation, int value, const timespec* timeout) {
  Task& task = *current_task;
  const Kernel& kernel = task.scheduler.kernel();
  const bool is_absolute = (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
  const clockid_t clock =
      (operation & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
      if (*word != value) return fail_with(EAGAIN);
      VirtualTime until = kNever;
      if (timeout != nullptr)
        until = is_absolute ? time_on(clock, *timeout) : kernel.now() + nanoseconds_of(*timeout);
      if (!wait_at(word, "futex", until) || kernel.now() >= until) return fail_with(ETIMEDOUT);
      return 0;
    }
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET: {
      long woken = 0;
      while (woken < value && wake_at(word, false) > 0) ++woken;
      return woken;
    }
    default:
      return refuse_call("futex (this operation)");
  }
}

}  // namespace

long simulated_futex(int* word, int operation, int value, const timespec* timeout) {
  begin_call(*current_task, "futex");
  const long result = futex(word, operation, value, timeout);
  end_call(*current_task);
  return result;
}

}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

// What a task does not call goes to the C library; each of these looks its original up once.
#define UNLESS_SIMULATED(name, type, ...)                \
  if (!is_simulated()) {                                 \
    static auto* const original = next<int type>(#name); \
    return original(__VA_ARGS__);                        \
  }

SIMULATED_CALL int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  UNLESS_SIMULATED(pthread_mutex_lock, (pthread_mutex_t*), mutex)
  return lock_mutex(mutex, kNever, true);
}
SIMULATED_CALL int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  UNLESS_SIMULATED(pthread_mutex_trylock, (pthread_mutex_t*), mutex)
  return lock_mutex(mutex, kNever, false);
}
SIMULATED_CALL int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) noexcept {
  UNLESS_SIMULATED(pthread_mutex_timedlock, (pthread_mutex_t*, const timespec*), mutex, until)
  return lock_mutex(mutex, time_on(CLOCK_REALTIME, *until), true);
}
SIMULATED_CALL int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                                           const timespec* until) noexcept {
  UNLESS_SIMULATED(pthread_mutex_clocklock, (pthread_mutex_t*, clockid_t, const timespec*), mutex,
                   clock, until)
  return lock_mutex(mutex, time_on(clock, *until), true);
}
SIMULATED_CALL int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  UNLESS_SIMULATED(pthread_mutex_unlock, (pthread_mutex_t*), mutex)
  const int error = unlock_mutex(mutex);
  current_task->scheduler.offer(*current_task);
  return error;
}

SIMULATED_CALL int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  UNLESS_SIMULATED(pthread_cond_wait, (pthread_cond_t*, pthread_mutex_t*), condition, mutex)
  return wait_for_condition(condition, mutex, kNever);
}
SIMULATED_CALL int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                          const timespec* until) {
  UNLESS_SIMULATED(pthread_cond_timedwait, (pthread_cond_t*, pthread_mutex_t*, const timespec*),
                   condition, mutex, until)
  return wait_for_condition(condition, mutex, time_on(clock_of(condition), *until));
}
SIMULATED_CALL int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                          clockid_t clock, const timespec* until) {
  UNLESS_SIMULATED(pthread_cond_clockwait,
                   (pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*), condition,
                   mutex, clock, until)
  return wait_for_condition(condition, mutex, time_on(clock, *until));
}
SIMULATED_CALL int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  UNLESS_SIMULATED(pthread_cond_signal, (pthread_cond_t*), condition)
  wake_at(condition, false);
  return 0;
}
SIMULATED_CALL int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  UNLESS_SIMULATED(pthread_cond_broadcast, (pthread_cond_t*), condition)
  wake_at(condition, true);
  return 0;
}
SIMULATED_CALL int pthread_cond_destroy(pthread_cond_t* condition) noexcept {
  UNLESS_SIMULATED(pthread_cond_destroy, (pthread_cond_t*), condition)
  return 0;
}

SIMULATED_CALL int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_rdlock, (pthread_rwlock_t*), lock)
  return lock_for_reading(lock, kNever, true);
}
SIMULATED_CALL int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_tryrdlock, (pthread_rwlock_t*), lock)
  return lock_for_reading(lock, kNever, false);
}
SIMULATED_CALL int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock,
                                              const timespec* until) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_timedrdlock, (pthread_rwlock_t*, const timespec*), lock, until)
  return lock_for_reading(lock, time_on(CLOCK_REALTIME, *until), true);
}
SIMULATED_CALL int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_wrlock, (pthread_rwlock_t*), lock)
  return lock_for_writing(lock, kNever, true);
}
SIMULATED_CALL int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_trywrlock, (pthread_rwlock_t*), lock)
  return lock_for_writing(lock, kNever, false);
}
SIMULATED_CALL int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock,
                                              const timespec* until) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_timedwrlock, (pthread_rwlock_t*, const timespec*), lock, until)
  return lock_for_writing(lock, time_on(CLOCK_REALTIME, *until), true);
}
SIMULATED_CALL int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_rwlock_unlock, (pthread_rwlock_t*), lock)
  auto& data = lock->__data;
  if (data.__cur_writer == current_task->id)
    data.__cur_writer = 0;
  else if (data.__readers > 0)
    --data.__readers;
  wake_at(lock, true);
  return 0;
}

SIMULATED_CALL int sem_wait(sem_t* semaphore) {
  UNLESS_SIMULATED(sem_wait, (sem_t*), semaphore)
  return take_semaphore(semaphore, kNever);
}
SIMULATED_CALL int sem_timedwait(sem_t* semaphore, const timespec* until) {
  UNLESS_SIMULATED(sem_timedwait, (sem_t*, const timespec*), semaphore, until)
  return take_semaphore(semaphore, time_on(CLOCK_REALTIME, *until));
}
SIMULATED_CALL int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* until) {
  UNLESS_SIMULATED(sem_clockwait, (sem_t*, clockid_t, const timespec*), semaphore, clock, until)
  return take_semaphore(semaphore, time_on(clock, *until));
}
SIMULATED_CALL int sem_trywait(sem_t* semaphore) noexcept {
  UNLESS_SIMULATED(sem_trywait, (sem_t*), semaphore)
  if (value_of(semaphore) == 0) {
    current_task->scheduler.account(*current_task);
    return fail_with(EAGAIN);
  }
  --value_of(semaphore);
  return 0;
}
SIMULATED_CALL int sem_post(sem_t* semaphore) noexcept {
  UNLESS_SIMULATED(sem_post, (sem_t*), semaphore)
  ++value_of(semaphore);
  wake_at(semaphore, false);
  return 0;
}

SIMULATED_CALL int pthread_barrier_wait(pthread_barrier_t* barrier) noexcept {
  UNLESS_SIMULATED(pthread_barrier_wait, (pthread_barrier_t*), barrier)
  auto& data = *reinterpret_cast<Barrier*>(barrier);
  if (++data.arrived == data.count) {
    data.arrived = 0;
    ++data.round;
    wake_at(barrier, true);
    return PTHREAD_BARRIER_SERIAL_THREAD;
  }
  const unsigned round = data.round;
  while (data.round == round) wait_at(barrier, "pthread_barrier_wait");
  return 0;
}
SIMULATED_CALL int pthread_barrier_destroy(pthread_barrier_t* barrier) noexcept {
  UNLESS_SIMULATED(pthread_barrier_destroy, (pthread_barrier_t*), barrier)
  return 0;
}

SIMULATED_CALL int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_spin_lock, (pthread_spinlock_t*), lock)
  while (*lock != kFreeSpinLock) {
    begin_call(*current_task, "pthread_spin_lock");
    current_task->scheduler.yield(*current_task);
  }
  *lock = 0;
  return 0;
}
SIMULATED_CALL int pthread_spin_unlock(pthread_spinlock_t* lock) noexcept {
  UNLESS_SIMULATED(pthread_spin_unlock, (pthread_spinlock_t*), lock)
  *lock = kFreeSpinLock;
  return 0;
}

SIMULATED_CALL int pthread_once(pthread_once_t* once, void (*function)()) {
  UNLESS_SIMULATED(pthread_once, (pthread_once_t*, void (*)()), once, function)
  constexpr int kDone = 2;  // __PTHREAD_ONCE_DONE
  constexpr int kUnderWay = 1;
  while (*once != kDone) {
    if (*once == 0) {
      *once = kUnderWay;
      // A function that throws has not done it (std::call_once(3)).
      struct Finish {
        pthread_once_t* once;
        int result = 0;
        ~Finish() {
          *once = result;
          wake_at(once, true);
        }
      } finish{once};
      function();
      finish.result = kDone;
      return 0;
    }
    wait_at(once, "pthread_once");
  }
  return 0;
}
