// The converse of truth_test.cpp: a server that has not consumed is never called settled.

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "harness/watch/truth/world.h"

namespace sockdrill::truth {
namespace {

using namespace std::chrono_literals;

class BlockedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = enter_fresh_network(); !why.empty()) GTEST_SKIP() << why;
  }

  /// Looks often: it must stay so.
  static void expect_to_stay(World& world, Rest rest) {
    for (int i = 0; i < 50; ++i) {
      const RestReport report = world.watcher().look(world.sockets());
      ASSERT_TRUE(report.rest == rest || report.rest == Rest::busy)
          << to_string(report.rest) << ": " << report.because;
    }
  }

  static void expect_blocked(World& world, const std::string& because) {
    const RestReport report = world.settle();
    EXPECT_EQ(report.rest, Rest::blocked);
    EXPECT_NE(report.because.find(because), std::string::npos) << report.because;
    expect_to_stay(world, Rest::blocked);
  }
};

class TransportTest : public BlockedTest, public testing::WithParamInterface<const char*> {};

TEST_P(TransportTest, InputThatADeafServerDoesNotReadBlocks) {
  World world("deaf", GetParam());
  ASSERT_TRUE(world.wait_for_listener());
  world.send(world.connect(), 100);
  expect_blocked(world, "unread");
}

TEST_P(TransportTest, OutputThatNobodyReadsBlocks) {
  World world("flood", GetParam());
  ASSERT_TRUE(world.wait_for_listener());
  Client& client = world.connect();
  expect_blocked(world, "");
  const std::uint64_t before = world.server().truth().replied;
  EXPECT_GT(world.drain(client), 0U);
  EXPECT_EQ(world.settle().rest, Rest::blocked);
  EXPECT_GT(world.server().truth().replied.load() + 100'000, before);
}

TEST_P(TransportTest, AConnectionThatWaitsForItsTurnBlocks) {
  World world("sequential", GetParam());
  ASSERT_TRUE(world.wait_for_listener());
  world.connect();
  EXPECT_EQ(world.settle().rest, Rest::settled);
  Client& second = world.connect();
  expect_blocked(world, "not accepted");
  world.close(world.clients()[0]);
  EXPECT_EQ(world.settle().rest, Rest::settled);
  EXPECT_EQ(world.server().truth().accepted, 2U);
  world.close(second);
  EXPECT_EQ(world.settle().rest, Rest::settled);
}

TEST_P(TransportTest, AStoppedServerIsBlockedByInputUntilItContinues) {
  World world("epoll", GetParam());
  ASSERT_TRUE(world.wait_for_listener());
  Client& client = world.connect();
  ASSERT_EQ(world.settle().rest, Rest::settled);
  ASSERT_TRUE(world.stop());
  EXPECT_EQ(world.settle().rest, Rest::settled);
  EXPECT_TRUE(world.settle().is_firm);
  world.send(client, 100);
  expect_blocked(world, "unread");
  world.resume();
  // The signal wakes it before kill() returns, so no look can come too early.
  EXPECT_EQ(world.settle().rest, Rest::settled);
  EXPECT_EQ(world.server().truth().bytes, 100U);
  EXPECT_FALSE(world.watcher().is_stopped());
}

INSTANTIATE_TEST_SUITE_P(Transports, TransportTest,
                         testing::Values("tcp4", "tcp6", "tcp46", "unix", "unix-seqpacket"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST_F(BlockedTest, AnEndOfStreamThatNobodyReadsBlocks) {
  World world("deaf", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.shutdown(world.connect());
  expect_blocked(world, "end of stream unread");
  EXPECT_EQ(world.watcher().sample(world.sockets()).close_wait, 1);
}

TEST_F(BlockedTest, AClosedReceiveWindowBlocksFirmlyInTheEnd) {
  World world("flood", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.connect(4096);
  const RestReport report = world.settle_firmly();
  EXPECT_EQ(report.rest, Rest::blocked) << report.because;
  EXPECT_TRUE(report.is_firm);
}

TEST_F(BlockedTest, InputThatFillsTheServersWindowBlocks) {
  World world("deaf", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  Client& client = world.connect();
  for (int i = 0; i < 200; ++i) world.send(client, 100'000);
  EXPECT_EQ(world.settle().rest, Rest::blocked);
  EXPECT_EQ(world.settle_firmly().rest, Rest::blocked);
}

TEST_F(BlockedTest, AConnectionResetBeforeItWasAcceptedStillHasToBeAccepted) {
  World world("epoll", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  ASSERT_TRUE(world.stop());
  Client& client = world.connect();
  world.reset(client);
  expect_blocked(world, "not accepted");
  world.resume();
  EXPECT_EQ(world.settle().rest, Rest::settled);
  EXPECT_EQ(world.server().truth().accepted, 1U);
  EXPECT_EQ(world.server().truth().ends, 1U);
}

TEST_F(BlockedTest, DatagramsForAStoppedServerBlock) {
  for (const char* transport : {"udp4", "udp6", "unix-dgram"}) {
    World world("sequential", transport);
    ASSERT_TRUE(world.wait_for_listener());
    Client& client = world.connect();
    ASSERT_TRUE(world.stop());
    world.send(client, 100);
    expect_blocked(world, "unread");
    world.resume();
    EXPECT_EQ(world.settle().rest, Rest::settled);
    EXPECT_EQ(world.server().truth().messages, 1U);
  }
}

TEST_F(BlockedTest, AnEmptyDatagramBlocksToo) {
  for (const char* transport : {"udp4", "unix-dgram"}) {
    World world("sequential", transport);
    ASSERT_TRUE(world.wait_for_listener());
    Client& client = world.connect();
    ASSERT_TRUE(world.stop());
    world.send(client, 0);
    expect_blocked(world, "unread");
  }
}

TEST_F(BlockedTest, ASlowPollerIsNotBlockedBetweenTwoRounds) {
  World world("slow-poll", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  Client& client = world.connect();
  ASSERT_EQ(world.settle().rest, Rest::settled);
  for (int i = 1; i <= 3; ++i) {
    world.send(client, 100);
    ASSERT_EQ(world.settle().rest, Rest::settled);
    EXPECT_EQ(world.server().truth().bytes.load(), 100U * static_cast<unsigned>(i));
  }
}

TEST_F(BlockedTest, ATimedWaitBecomesFirmOnlyWithTime) {
  World world("epoll-timed", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.send(world.connect(), 100);
  const RestReport first = world.settle();
  EXPECT_EQ(first.rest, Rest::settled);
  EXPECT_FALSE(first.is_firm);
  const Nanoseconds start = monotonic_now();
  EXPECT_EQ(world.settle_firmly().rest, Rest::settled);
  EXPECT_GT(monotonic_now() - start, 10ms);
}

TEST_F(BlockedTest, AnUntimedWaitIsFirmAtTheSecondLook) {
  World world("epoll", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.send(world.connect(), 100);
  ASSERT_EQ(world.settle().rest, Rest::settled);
  EXPECT_TRUE(world.settle_firmly().is_firm);
}

TEST_F(BlockedTest, AHandshakeThatTheListenerDefersIsRestButNeverFirm) {
  World world("epoll", "tcp4-deferred");
  ASSERT_TRUE(world.wait_for_listener());
  Client& client = world.connect();
  const RestReport report = world.settle();
  EXPECT_EQ(report.rest, Rest::settled) << report.because;
  EXPECT_FALSE(report.is_firm);
  EXPECT_EQ(world.server().truth().accepted, 0U);
  world.send(client, 100);
  EXPECT_EQ(world.settle().rest, Rest::settled);
  EXPECT_EQ(world.server().truth().bytes, 100U);
}

TEST_F(BlockedTest, AFullAcceptQueueBlocks) {
  World world("epoll", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  ASSERT_TRUE(world.stop());
  for (int i = 0; i < 17; ++i) world.connect();  // listen(16) takes one more.
  expect_blocked(world, "17 connections not accepted");
  world.resume();
  EXPECT_EQ(world.settle().rest, Rest::settled);
  EXPECT_EQ(world.server().truth().accepted, 17U);
}

TEST_F(BlockedTest, AServerThatWasKilledIsGone) {
  World world("epoll", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.connect();
  ASSERT_EQ(world.settle().rest, Rest::settled);
  ::kill(world.server().pid(), SIGKILL);
  EXPECT_EQ(world.settle().rest, Rest::gone);
}

TEST_F(BlockedTest, ResourcesAreCounted) {
  World world("threads", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  ASSERT_EQ(world.settle().rest, Rest::settled);
  const Resources before = world.watcher().sample(world.sockets());
  for (int i = 0; i < 3; ++i) world.send(world.connect(), 10);
  ASSERT_EQ(world.settle().rest, Rest::settled);
  const Resources after = world.watcher().sample(world.sockets());
  EXPECT_EQ(before.processes, 1);
  EXPECT_EQ(before.threads, 1);
  EXPECT_EQ(after.threads, 4);
  EXPECT_EQ(after.descriptors, before.descriptors + 3);
  EXPECT_GT(after.ran, before.ran);
  EXPECT_GT(after.runs, before.runs);
  EXPECT_GT(after.resident_bytes, 0U);
  EXPECT_EQ(after.zombies, 0);
  EXPECT_EQ(after.close_wait, 0);
  EXPECT_EQ(world.watcher().describe_tasks().size(), 4U);
}

TEST_F(BlockedTest, ZombiesAreCounted) {
  World world("zombies", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.close(world.connect());
  ASSERT_EQ(world.settle().rest, Rest::settled);
  const Resources sum = world.watcher().sample(world.sockets());
  EXPECT_EQ(sum.processes, 1);
  EXPECT_EQ(sum.threads, 1);
  EXPECT_EQ(sum.zombies, 1);
}

TEST_F(BlockedTest, AHiddenTimerKeepsARestFromBeingFirm) {
  World world("timerfd", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.connect();
  ASSERT_EQ(world.settle().rest, Rest::settled);
  const Nanoseconds start = monotonic_now();
  EXPECT_EQ(world.settle_firmly().rest, Rest::settled);
  EXPECT_GT(monotonic_now() - start, 100ms);  // It fires every 200 ms.
}

TEST_F(BlockedTest, AHousekeeperKeepsNobodyWaitingLong) {
  World world("housekeepers", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  ASSERT_EQ(world.settle().rest, Rest::settled);
  world.send(world.connect(), 10);
  const std::uint64_t before = world.looks;
  const RestReport report = world.settle_firmly();
  EXPECT_EQ(report.rest, Rest::settled);
  EXPECT_TRUE(report.is_firm);
  // Looks, not time: waiting three seconds for a timer would need thousands.
  EXPECT_LT(world.looks - before, 300U);
}

TEST_F(BlockedTest, AReceiveTimeoutKeepsARestFromBeingFirm) {
  World world("receive-timeout", "tcp4");
  ASSERT_TRUE(world.wait_for_listener());
  world.send(world.connect(), 10);
  ASSERT_EQ(world.settle().rest, Rest::settled);
  const Nanoseconds start = monotonic_now();
  EXPECT_EQ(world.settle_firmly().rest, Rest::settled);
  EXPECT_GT(monotonic_now() - start, 100ms);  // SO_RCVTIMEO is 200 ms.
}

TEST_F(BlockedTest, ListenersAreFoundWithTheirAddressAndNeverOurs) {
  for (const bool is_isolated : {true, false}) {
    for (const char* transport : {"tcp4", "tcp6", "udp4", "udp6", "unix", "unix-dgram"}) {
      World world("sequential", transport, WatchOptions{.isolated = is_isolated});
      ASSERT_TRUE(world.wait_for_listener());
      world.connect();
      const auto found = world.watcher().listeners(world.sockets());
      ASSERT_EQ(found.size(), 1U) << transport;
      EXPECT_EQ(found[0].transport, world.server().transport());
      EXPECT_EQ(found[0].address.port(), world.server().address().port());
      if (is_unix(found[0].transport)) {
        EXPECT_EQ(found[0].address, world.server().address());
      }
    }
  }
}

TEST_F(BlockedTest, DroppedDatagramsAreCounted) {
  World world("sequential", "udp4");
  ASSERT_TRUE(world.wait_for_listener());
  ASSERT_TRUE(world.stop());
  const std::uint64_t before = world.watcher().dropped_datagrams();
  Client& client = world.connect();
  for (int i = 0; i < 1000; ++i) world.send(client, 1);
  EXPECT_GT(world.watcher().dropped_datagrams(), before);
}

}  // namespace
}  // namespace sockdrill::truth
