#include "harness/watch/waits.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include <cstring>

namespace sockdrill {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kAddress = 0x1000;
constexpr std::uint64_t kMinusOne = 0xffffffff;

ReadMemory no_memory() {
  return [](std::uint64_t, std::span<std::byte>) { return false; };
}

/// A process whose memory at kAddress holds two 64-bit words: a timespec or timeval.
ReadMemory memory_with(std::int64_t first, std::int64_t second) {
  return [=](std::uint64_t address, std::span<std::byte> into) {
    const std::array<std::int64_t, 2> words{first, second};
    if (address != kAddress || into.size() != sizeof(words)) return false;
    std::memcpy(into.data(), words.data(), sizeof(words));
    return true;
  };
}

SyscallLine call(long number, std::array<std::uint64_t, 6> arguments) {
  return SyscallLine{.number = number, .arguments = arguments};
}

TEST(ClassifyWaitTest, SeesTheTimeoutOfEpollWait) {
  const Wait wait = classify_wait(call(SYS_epoll_pwait, {4, 0, 64, 500, 0, 8}), no_memory());
  EXPECT_EQ(wait.kind, WaitKind::timed);
  EXPECT_EQ(wait.timeout, 500ms);
  EXPECT_FALSE(wait.is_blind);
  EXPECT_EQ(to_string(wait), "epoll_pwait(timeout 500 ms)");
}

TEST(ClassifyWaitTest, KnowsThatMinusOneIsForEver) {
  const Wait wait = classify_wait(call(SYS_epoll_pwait, {4, 0, 64, kMinusOne, 0, 8}), no_memory());
  EXPECT_EQ(wait.kind, WaitKind::untimed);
  EXPECT_EQ(to_string(wait), "epoll_pwait");
}

TEST(ClassifyWaitTest, ReadsATimespecFromTheProcess) {
  const SyscallLine line = call(SYS_ppoll, {kAddress, 2, kAddress, 0, 0, 0});
  const Wait wait = classify_wait(line, memory_with(1, 500'000'000));
  EXPECT_EQ(wait.kind, WaitKind::timed);
  EXPECT_EQ(wait.timeout, 1500ms);
  EXPECT_FALSE(wait.is_blind);
}

TEST(ClassifyWaitTest, SaysPerhapsWhenMemoryCannotBeRead) {
  const SyscallLine line = call(SYS_ppoll, {kAddress, 2, kAddress, 0, 0, 0});
  EXPECT_EQ(classify_wait(line, no_memory()).kind, WaitKind::perhaps);
}

TEST(ClassifyWaitTest, TakesANullPointerForNoTimeout) {
  const SyscallLine line = call(SYS_ppoll, {kAddress, 2, 0, 0, 0, 0});
  EXPECT_EQ(classify_wait(line, no_memory()).kind, WaitKind::untimed);
}

TEST(ClassifyWaitTest, CallsASleepBlind) {
  const Wait wait =
      classify_wait(call(SYS_nanosleep, {kAddress, 0, 0, 0, 0, 0}), memory_with(0, 1'000'000));
  EXPECT_EQ(wait.timeout, 1ms);
  EXPECT_TRUE(wait.is_blind);
}

TEST(ClassifyWaitTest, CallsASelectOfNothingBlind) {
  const SyscallLine line = call(SYS_pselect6, {0, 0, 0, 0, kAddress, 0});
  EXPECT_TRUE(classify_wait(line, memory_with(0, 1000)).is_blind);
  const SyscallLine of_some = call(SYS_pselect6, {5, kAddress, 0, 0, kAddress, 0});
  EXPECT_FALSE(classify_wait(of_some, memory_with(0, 1000)).is_blind);
}

TEST(ClassifyWaitTest, DoesNotCallAnEndlessSelectOfNothingBlind) {
  const SyscallLine line = call(SYS_pselect6, {0, 0, 0, 0, 0, 0});
  EXPECT_FALSE(classify_wait(line, no_memory()).is_blind);
}

TEST(ClassifyWaitTest, CallsARestartedCallBlind) {
  EXPECT_TRUE(classify_wait(call(SYS_restart_syscall, {}), no_memory()).is_blind);
}

TEST(ClassifyWaitTest, MeasuresAnAbsoluteSleepFromNow) {
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_MONOTONIC, &now), 0);
  const SyscallLine line =
      call(SYS_clock_nanosleep, {CLOCK_MONOTONIC, TIMER_ABSTIME, kAddress, 0, 0, 0});
  const Wait wait = classify_wait(line, memory_with(now.tv_sec + 10, now.tv_nsec));
  EXPECT_LE(wait.timeout, 10s);
  EXPECT_GT(wait.timeout, 1s);
  EXPECT_TRUE(wait.is_absolute);
  EXPECT_EQ(classify_wait(line, memory_with(now.tv_sec - 10, 0)).timeout, 0s);
}

TEST(ClassifyWaitTest, DistinguishesTheOperationsOfFutex) {
  const auto with = [](int operation, std::uint64_t timeout) {
    return call(SYS_futex, {kAddress, static_cast<std::uint64_t>(operation), 0, timeout, 0, 0});
  };
  EXPECT_EQ(classify_wait(with(FUTEX_WAIT_PRIVATE, 0), no_memory()).kind, WaitKind::untimed);
  EXPECT_EQ(classify_wait(with(FUTEX_WAIT_PRIVATE, kAddress), memory_with(2, 0)).timeout, 2s);
  const Wait past = classify_wait(with(FUTEX_WAIT_BITSET_PRIVATE, kAddress), memory_with(1, 0));
  EXPECT_EQ(past.kind, WaitKind::timed);
  EXPECT_EQ(past.timeout, 0s);
  EXPECT_FALSE(past.is_blind);
}

TEST(ClassifyWaitTest, DoesNotOverflowOnAForEverInSeconds) {
  const SyscallLine line = call(SYS_nanosleep, {kAddress, 0, 0, 0, 0, 0});
  EXPECT_GT(classify_wait(line, memory_with(INT64_MAX, 0)).timeout, 24h);
}

TEST(ClassifyWaitTest, KnowsOutputCallsAndTheirDescriptor) {
  const Wait wait = classify_wait(call(SYS_sendto, {5, 0, 0, 0, 0, 0}), no_memory());
  EXPECT_TRUE(wait.is_output);
  EXPECT_EQ(wait.kind, WaitKind::socket_call);
  EXPECT_EQ(wait.descriptor, 5);
  EXPECT_EQ(to_string(wait), "sendto(fd 5)");
}

TEST(ClassifyWaitTest, KnowsClose) {
  EXPECT_TRUE(classify_wait(call(SYS_close, {5}), no_memory()).is_close);
  EXPECT_TRUE(classify_wait(call(SYS_clone, {17}), no_memory()).is_creation);
}

TEST(ClassifyWaitTest, TakesUnknownCallsForUntimed) {
  const Wait wait = classify_wait(call(9999, {}), no_memory());
  EXPECT_EQ(wait.kind, WaitKind::untimed);
  EXPECT_EQ(to_string(wait), "system call 9999");
}

}  // namespace
}  // namespace sockdrill
