#include "harness/sim/tasks/parked_thread.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <csignal>

#include "harness/sim/tasks/system_call.h"

// Where a sanitizer is linked in, it must know the thread: its interceptor under a name of its own.
extern "C" [[gnu::weak]] int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*,
                                                          void* (*)(void*), void*);

namespace sockdrill::sim {

thread_local constinit bool is_thread_of_tasks = false;

namespace {

/// Between the sleeping thread's frames and the task's.
constexpr std::size_t kGap = 8192;

struct Parking {
  ParkedThread thread;
  std::atomic<int> is_there{0};
};

long futex(std::atomic<int>& word, int operation, int value) {
  return call_kernel(SYS_futex, reinterpret_cast<long>(&word), operation, value);
}

void* sleep_for_ever(void* argument) {
  is_thread_of_tasks = true;
  auto* parking = static_cast<Parking*>(argument);
  char* frame = static_cast<char*>(__builtin_frame_address(0));
  parking->thread.pointer = thread_pointer();
  parking->thread.stack_top = frame - kGap;
  parking->is_there.store(1);
  futex(parking->is_there, FUTEX_WAKE, INT_MAX);
  // Of its own, for `parking` is gone soon. Nobody ever wakes it.
  std::atomic<int> never{0};
  for (;;) futex(never, FUTEX_WAIT, 0);
}

using CreateThread = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

CreateThread real_create() {
  if (__interceptor_pthread_create != nullptr) return __interceptor_pthread_create;
  // The next one: pthread_create itself is the server's, which we simulate.
  static void* const found = ::dlsym(RTLD_NEXT, "pthread_create");
  return found != nullptr ? reinterpret_cast<CreateThread>(found) : ::pthread_create;
}

}  // namespace

std::optional<ParkedThread> park_thread() {
  Parking parking;
  sigset_t all;
  sigset_t old;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t thread{};
  const int error = real_create()(&thread, nullptr, sleep_for_ever, &parking);
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  if (error != 0) return std::nullopt;
  while (parking.is_there.load() == 0) futex(parking.is_there, FUTEX_WAIT, 0);
  pthread_attr_t attributes;
  void* bottom = nullptr;
  std::size_t size = 0;
  if (::pthread_getattr_np(thread, &attributes) == 0) {
    ::pthread_attr_getstack(&attributes, &bottom, &size);
    ::pthread_attr_destroy(&attributes);
  }
  parking.thread.stack_bottom = static_cast<char*>(bottom);
  return parking.thread;
}

}  // namespace sockdrill::sim
