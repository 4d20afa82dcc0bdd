// Threads, and what they wait on.

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/sim/libc/libc_test.h"

namespace sockdrill::sim {
namespace {

/// Threads with a thread pointer of their own, and threads that share one.
class ThreadsTest : public LibcTest, public ::testing::WithParamInterface<bool> {
 protected:
  ThreadsTest() : LibcTest(GetParam() ? [] { return false; } : std::function<bool()>{}) {}
};

INSTANTIATE_TEST_SUITE_P(Pointers, ThreadsTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Shared" : "Own"; });

TEST_P(ThreadsTest, AServerOfThreadsServesBothAtOnce) {
  start([] {
    const int listener = open_listener();
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      std::thread(echo, fd).detach();
    }
    return 0;
  });
  const auto [a, b] = connect_two_that_speak();
  EXPECT_EQ(receive(a), "first");
  EXPECT_EQ(receive(b), "second");
  close_client(a);
  EXPECT_EQ(simulation.scheduler().tasks_of(*server).size(), 2U);
}

TEST_P(ThreadsTest, MutexesAndConditionVariablesWork) {
  run([this] {
    std::mutex mutex;
    std::condition_variable changed;
    int value = 0;
    std::thread producer([&] {
      for (int i = 1; i <= 3; ++i) {
        const std::lock_guard lock(mutex);
        value = i;
        changed.notify_one();
        changed.notify_all();
      }
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return value == 3; });
    lock.unlock();
    producer.join();
    say("got 3");
    lock.lock();
    const auto began = std::chrono::steady_clock::now();
    const bool came = changed.wait_for(lock, std::chrono::seconds(30), [] { return false; });
    const auto took = std::chrono::steady_clock::now() - began;
    say(came ? "came" : took == std::chrono::seconds(30) ? "after 30 s" : "too early");
    return 0;
  });
  EXPECT_EQ(log, "got 3 after 30 s ");
}

TEST_P(ThreadsTest, ASignalWakesNobodyWhoWaitsForACondition) {
  run([this] {
    static int handled = 0;
    handled = 0;
    ::signal(SIGUSR1, [](int) { ++handled; });
    std::mutex mutex;
    std::condition_variable never;
    std::thread waiter([&] {
      std::unique_lock lock(mutex);
      never.wait(lock);
      say("woken");
    });
    ::usleep(1000);
    ::pthread_kill(waiter.native_handle(), SIGUSR1);
    ::usleep(1000);
    say(handled == 1 ? "handled" : "lost");
    never.notify_one();
    waiter.join();
    return 0;
  });
  EXPECT_EQ(log, "handled woken ");
}

TEST_P(ThreadsTest, AFutexSaysHowManyItHasWoken) {
  run([this] {
    static int word = 0;
    const auto futex = [](int operation, int value) {
      return ::syscall(SYS_futex, &word, operation, value, nullptr);
    };
    std::vector<std::thread> waiters;
    for (int i = 0; i < 5; ++i) waiters.emplace_back([&] { futex(FUTEX_WAIT_PRIVATE, 0); });
    ::usleep(1000);
    say(std::to_string(futex(FUTEX_WAKE_PRIVATE, 2)));
    say(std::to_string(futex(FUTEX_WAKE_PRIVATE, INT_MAX)));
    say(std::to_string(futex(FUTEX_WAKE_PRIVATE, 1)));
    for (std::thread& waiter : waiters) waiter.join();
    return 0;
  });
  EXPECT_EQ(log, "2 3 0 ");
}

TEST_P(ThreadsTest, SemaphoresBarriersAndOnceWork) {
  run([this] {
    sem_t semaphore;
    ::sem_init(&semaphore, 0, 0);
    pthread_barrier_t barrier;
    ::pthread_barrier_init(&barrier, nullptr, 3);
    pthread_once_t once = PTHREAD_ONCE_INIT;
    static int times = 0;
    times = 0;
    std::atomic<int> serial{0};
    const auto body = [&] {
      ::pthread_once(&once, [] { ++times; });
      if (::pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) ++serial;
      ::sem_post(&semaphore);
    };
    std::thread a(body);
    std::thread b(body);
    body();
    for (int i = 0; i < 3; ++i) ::sem_wait(&semaphore);
    a.join();
    b.join();
    say(std::to_string(times) + " " + std::to_string(serial.load()));
    return 0;
  });
  EXPECT_EQ(log, "1 1 ");
}

TEST_P(ThreadsTest, AStdAtomicCanBeWaitedFor) {
  run([this] {
    std::atomic<int> word{0};
    std::thread other([&] {
      ::usleep(1000);
      word = 1;
      word.notify_all();
    });
    word.wait(0);
    other.join();
    say("woken");
    return 0;
  });
  EXPECT_EQ(log, "woken ");
}

thread_local int own = 0;
struct SaysGoodbye {
  std::string* log;
  ~SaysGoodbye() { *log += "destroyed "; }
};

TEST_P(ThreadsTest, ThreadExitRunsWhatAThreadLeavesBehind) {
  run([this] {
    pthread_key_t key = 0;
    ::pthread_key_create(&key, [](void* value) { *static_cast<std::string*>(value) += "key "; });
    std::thread([&] {
      thread_local SaysGoodbye per_thread{&log};
      per_thread.log = &log;
      ::pthread_setspecific(key, &log);
      const SaysGoodbye on_stack{&log};
      ::pthread_exit(nullptr);
    }).join();
    return 0;
  });
  EXPECT_EQ(log, "destroyed destroyed key ");
}

// Of servers that have some each thread has its own pointer.
TEST_F(LibcTest, EachThreadHasItsOwnVariables) {
  run([this] {
    own = 7;
    std::thread([&] {
      say(std::to_string(own));
      own = 1;
    }).join();
    say(std::to_string(own));
    return 0;
  });
  EXPECT_EQ(log, "0 7 ");
}

TEST_P(ThreadsTest, WhatTheLibrariesKeepForAThreadIsItsOwn) {
  run([this] {
    const auto body = [&](const char* address, int error) {
      in_addr number{};
      ::inet_aton(address, &number);
      const char* const text = ::inet_ntoa(number);
      errno = error;
      ::sched_yield();
      say(std::string(text) + ":" + std::to_string(errno));
    };
    std::thread one(body, "10.0.0.1", EPERM);
    std::thread other(body, "10.0.0.2", ENOENT);
    body("10.0.0.3", ESRCH);
    one.join();
    other.join();
    return 0;
  });
  EXPECT_EQ(log, "10.0.0.3:3 10.0.0.1:1 10.0.0.2:2 ");
}

TEST_P(ThreadsTest, AThreadThatForksAndItsChildHaveAnErrnoEach) {
  run([this] {
    std::thread([&] {
      errno = EPERM;
      const pid_t child = ::fork();
      if (child == 0) {
        errno = ENOENT;
        ::sched_yield();
        say("child:" + std::to_string(errno));
        errno = ESRCH;
        ::_exit(0);
      }
      ::sched_yield();
      say("parent:" + std::to_string(errno));
      const int before = errno;
      ::waitpid(child, nullptr, 0);
      say(errno == before ? "same" : std::to_string(errno));
    }).join();
    return 0;
  });
  EXPECT_EQ(log, "parent:1 child:2 same ");
}

TEST_P(ThreadsTest, EachThreadIsItself) {
  run([this] {
    const pthread_t first = ::pthread_self();
    pthread_t seen[2] = {};
    std::thread one([&] { seen[0] = ::pthread_self(); });
    std::thread other([&] { seen[1] = ::pthread_self(); });
    say(seen[0] == pthread_t{} ? "later" : "at once");
    ::sched_yield();
    say(::pthread_equal(seen[0], one.native_handle()) != 0 ? "one" : "?");
    say(::pthread_equal(seen[1], other.native_handle()) != 0 ? "other" : "?");
    say(seen[0] != seen[1] && seen[0] != first && seen[1] != first ? "three" : "?");
    one.join();
    other.join();
    return 0;
  });
  EXPECT_EQ(log, "later one other three ");
}

TEST_P(ThreadsTest, EachThreadHasItsOwnUnderAKey) {
  run([this] {
    pthread_key_t key = 0;
    ::pthread_key_create(&key, nullptr);
    ::pthread_setspecific(key, &log);
    const auto body = [&](void* mine) {
      say(::pthread_getspecific(key) == nullptr ? "none" : "?");
      ::pthread_setspecific(key, mine);
      ::sched_yield();
      say(::pthread_getspecific(key) == mine ? "mine" : "?");
    };
    int a = 0;
    int b = 0;
    std::thread one(body, &a);
    std::thread other(body, &b);
    one.join();
    other.join();
    say(::pthread_getspecific(key) == &log ? "first" : "?");
    ::pthread_key_delete(key);
    return 0;
  });
  EXPECT_EQ(log, "none none mine mine first ");
}

TEST_P(ThreadsTest, WhatWasUnderADeletedKeyIsNotUnderTheNext) {
  run([this] {
    std::thread([&] {
      tss_t key = 0;
      ::tss_create(&key, nullptr);
      ::tss_set(key, &log);
      say(::tss_get(key) == &log ? "set" : "?");
      const tss_t before = key;
      ::tss_delete(key);
      ::tss_create(&key, nullptr);
      say(key == before ? "again" : "another");
      say(::tss_get(key) == nullptr ? "empty" : "?");
      ::tss_delete(key);
    }).join();
    return 0;
  });
  EXPECT_EQ(log, "set again empty ");
}

TEST_P(ThreadsTest, ASpinLockIsTakenByOneAtATime) {
  run([this] {
    pthread_spinlock_t lock{};
    ::pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
    ::pthread_spin_lock(&lock);
    std::thread other([&] {
      ::pthread_spin_lock(&lock);
      say("other");
      ::pthread_spin_unlock(&lock);
    });
    ::usleep(5000);
    say("one");
    ::pthread_spin_unlock(&lock);
    other.join();
    say(::pthread_spin_trylock(&lock) == 0 ? "free" : "taken");
    return 0;
  });
  EXPECT_EQ(log, "one other free ");
}

TEST_P(ThreadsTest, AThreadThatPausesCanBeCancelled) {
  run([this] {
    std::thread other([] { ::pause(); });
    ::usleep(1000);
    ::pthread_cancel(other.native_handle());
    other.join();
    say("joined");
    return 0;
  });
  EXPECT_EQ(log, "joined ");
}

}  // namespace
}  // namespace sockdrill::sim
