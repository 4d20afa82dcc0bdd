// What must hold of a server whatever clients do: each rule has a server that breaks it, and a
// correct one breaks none. What clients get to hear is in quick_player_replies_test.cpp.

#include "harness/simulated/quick_player_test.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

namespace sockdrill {

namespace sim {

// This program's own main() is the tests'.
bool should_drive() { return false; }
int drive(ServerProgram) { return 0; }

}  // namespace sim

namespace {

TEST_F(QuickPlayerTest, ACorrectServerBreaksNoRule) {
  start([] { serve_each(echo); });
  EXPECT_EQ(play(kOneExchange), "");
  EXPECT_EQ(
      play(
          R"({"clients": 20, "named": "c", "each": [{"connect": {}}, {"exchange": {"text": "x"}}, {"reset": {}}]})"),
      "");
  EXPECT_EQ(
      play(
          R"({"client": "a", "connect": {}}, {"client": "a", "send": {"pattern": "own", "bytes": 50000}},
                    {"client": "a", "shutdown": "write"}, {"client": "a", "drain": {}})"),
      "");
}

TEST_F(QuickPlayerTest, AFaultThatCostsAReplyIsNoBrokenRule) {
  start([] { serve_each(echo); });
  EXPECT_EQ(play(kOneExchange, R"(, "faults": [{"call": "thread", "nth": 1, "fails": "EAGAIN"}])"),
            "");
  EXPECT_EQ(
      play(kOneExchange, R"(, "faults": [{"call": "receive", "nth": 1, "fails": "ECONNRESET"}])"),
      "");
}

/// Whoever ends in an error keeps its descriptor.
void serve_with_a_leak_on_errors() {
  const int listener = open_listener();
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    char octet = 0;
    ssize_t size = 0;
    while ((size = ::recv(fd, &octet, 1, 0)) > 0) ::send(fd, &octet, 1, MSG_NOSIGNAL);
    if (size == 0) ::close(fd);
  }
}

TEST_F(QuickPlayerTest, AFaultOfAStepStrikesFromThatStepOn) {
  const std::string lose =
      R"({"server": {"from_here": {"faults": [{"call": "receive", "nth": 1, "fails": "ECONNRESET"}]}}}, )";
  const std::string no_more = R"({"server": {"from_here": {}}}, )";
  const std::string connect = R"({"client": "a", "connect": {}}, )";
  const std::string exchange = R"({"client": "a", "exchange": {"text": "x"}})";
  start(serve_with_a_leak_on_errors);
  EXPECT_EQ(play(connect + lose + no_more + exchange), "");
  EXPECT_EQ(play(connect + lose + exchange), "invariant/descriptors");
}

TEST_F(QuickPlayerTest, AFaultOfAStepExcusesThoseWhoAreThere) {
  start([] {
    // A mistake of its own: it swallows a '-'.
    const int listener = open_listener();
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      char octet = 0;
      while (::recv(fd, &octet, 1, 0) > 0) {
        if (octet != '-') ::send(fd, &octet, 1, MSG_NOSIGNAL);
      }
      ::close(fd);
    }
  });
  const std::string lost = R"({"client": "a", "connect": {}}, {"client": "a", "send": "x"},
      {"client": "a", "close": {}}, )";
  const std::string fault = R"(, "faults": [{"call": "receive", "nth": 1, "fails": "ECONNRESET"}])";
  const std::string swallowed = R"({"client": "b", "connect": {}}, {"client": "b", "send": "-"})";
  EXPECT_EQ(play(lost + swallowed, fault), "");
  EXPECT_EQ(play(lost + R"({"server": {"from_here": {}}}, )" + swallowed, fault), "protocol");
}

TEST_F(QuickPlayerTest, AFaultIsOverWithItsScenario) {
  start([] { serve_each(echo); });
  EXPECT_EQ(play(R"({"client": "a", "connect": {}})",
                 R"(, "faults": [{"call": "receive", "nth": 1, "fails": "ECONNRESET"}])"),
            "");
  EXPECT_EQ(play(kOneExchange), "");
}

TEST_F(QuickPlayerTest, ADeadServer) {
  start(serve_two);
  EXPECT_EQ(play(kOneExchange), "invariant/alive");
  EXPECT_FALSE(player->is_alive());
}

TEST_F(QuickPlayerTest, ADescriptorTooMany) {
  start([] {
    const int listener = open_listener();
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      echo(fd);
      ::shutdown(fd, SHUT_RDWR);
    }
  });
  EXPECT_EQ(play(kOneExchange), "invariant/descriptors");
}

TEST_F(QuickPlayerTest, AThreadTooMany) {
  start([] {
    serve_each([](int fd) {
      echo(fd);
      ::close(fd);
      for (;;) ::pause();
    });
  });
  EXPECT_EQ(play(kOneExchange), "invariant/threads");
}

TEST_F(QuickPlayerTest, AZombie) {
  start([] {
    const int listener = open_listener();
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      if (::fork() == 0) {
        echo(fd);
        ::_exit(0);
      }
      ::close(fd);
    }
  });
  EXPECT_EQ(play(kOneExchange), "invariant/zombies");
}

TEST_F(QuickPlayerTest, AServerThatSpins) {
  start([] {
    serve_each([](int fd) {
      char buffer[100];
      for (;;) {
        const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
        if (size < 0) return;
        if (size > 0) ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      }
    });
  });
  EXPECT_EQ(play(R"({"client": "a", "connect": {}}, {"client": "a", "shutdown": "write"})"),
            "invariant/quiet-cpu");
}

TEST_F(QuickPlayerTest, AServerThatWorksForLongOnWhatItReadAtATimeDoesNotSpin) {
  start([] {
    serve_each([](int fd) {
      std::vector<char> buffer(100'000);
      for (;;) {
        const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) return;
        timespec now{};
        for (ssize_t octet = 0; octet < size; ++octet) ::clock_gettime(CLOCK_REALTIME, &now);
        ::send(fd, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL);
      }
    });
  });
  EXPECT_EQ(
      play(
          R"({"client": "a", "connect": {}}, {"client": "a", "send": {"pattern": "own", "bytes": 60000}},
             {"client": "b", "connect": {}}, {"client": "b", "send": {"pattern": "own", "bytes": 60000}})"),
      "");
}

TEST_F(QuickPlayerTest, AServerThatSleepsOnWhatItCouldRead) {
  start([] {
    serve_each([](int fd) {
      char buffer[100];
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size > 0) ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      if (size == sizeof buffer) ::pause();
    });
  });
  EXPECT_EQ(
      play(
          R"({"client": "a", "connect": {}}, {"client": "a", "send": {"pattern": "own", "bytes": 300}},
                    {"server": "settled"})"),
      "invariant/stall");
}

/// As if it had taken so many octets of the heap.
void take_memory(std::uint64_t octets) { sim::current_task->process.held_octets += octets; }

TEST_F(QuickPlayerTest, MemoryThatGrowsEachTime) {
  knows_memory = true;
  start([] {
    serve_each([](int fd) {
      echo(fd);
      take_memory(3);
    });
  });
  EXPECT_EQ(play(kOneExchange), "invariant/memory");
}

TEST_F(QuickPlayerTest, MemoryThatIsKeptForTheNextTimeIsNotLeaked) {
  knows_memory = true;
  start([] {
    // A hundred in the end, which it does not need to take again.
    static int kept = 0;
    serve_each([](int fd) {
      echo(fd);
      if (++kept < 100) take_memory(1);
    });
  });
  EXPECT_EQ(play(kOneExchange), "");
}

TEST_F(QuickPlayerTest, AServerThatServesNobodyAnyMore) {
  start([] {
    serve_two();
    for (;;) ::pause();
  });
  EXPECT_EQ(play(kOneExchange), "probe");
}

TEST_F(QuickPlayerTest, ASecondServerHasThePortOfTheFirst) {
  start([] { serve_each([](int fd) { echo(::dup(fd)); }); });
  EXPECT_EQ(play(kOneExchange), "invariant/descriptors");
  player.reset();
  start([] { serve_each(echo); });
  EXPECT_EQ(play(kOneExchange), "");
}

}  // namespace
}  // namespace sockdrill
