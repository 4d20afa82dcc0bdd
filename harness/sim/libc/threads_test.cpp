// Threads, and what they wait on.

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "harness/sim/libc/libc_test.h"

namespace sockdrill::sim {
namespace {

TEST_F(LibcTest, AServerOfThreadsServesBothAtOnce) {
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

TEST_F(LibcTest, MutexesAndConditionVariablesWork) {
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

TEST_F(LibcTest, ASignalWakesNobodyWhoWaitsForACondition) {
  run([this] {
    static int handled = 0;
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

TEST_F(LibcTest, SemaphoresBarriersAndOnceWork) {
  run([this] {
    sem_t semaphore;
    ::sem_init(&semaphore, 0, 0);
    pthread_barrier_t barrier;
    ::pthread_barrier_init(&barrier, nullptr, 3);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static int times = 0;
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

TEST_F(LibcTest, AStdAtomicCanBeWaitedFor) {
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

TEST_F(LibcTest, ThreadExitRunsWhatAThreadLeavesBehind) {
  run([this] {
    pthread_key_t key = 0;
    ::pthread_key_create(&key, [](void* value) { *static_cast<std::string*>(value) += "key "; });
    std::thread([&] {
      own = 1;
      thread_local SaysGoodbye per_thread{&log};
      per_thread.log = &log;
      ::pthread_setspecific(key, &log);
      const SaysGoodbye on_stack{&log};
      ::pthread_exit(nullptr);
    }).join();
    say(std::to_string(own));
    return 0;
  });
  EXPECT_EQ(log, "destroyed destroyed key 0 ");
}

TEST_F(LibcTest, ASpinLockIsTakenByOneAtATime) {
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

TEST_F(LibcTest, AThreadThatPausesCanBeCancelled) {
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
