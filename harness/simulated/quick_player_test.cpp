// What must hold of a server whatever clients do: each rule has a server that breaks it, and a
// correct one breaks none.

#include "harness/simulated/quick_player.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sockdrill {

namespace sim {

// This program's own main() is the tests'.
bool should_drive() { return false; }
int drive(ServerProgram) { return 0; }

}  // namespace sim

namespace {

int open_listener() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(7777);
  at.sin_addr.s_addr = htonl(INADDR_ANY);
  if (::bind(fd, static_cast<const sockaddr*>(static_cast<const void*>(&at)), sizeof at) != 0)
    return -1;
  return ::listen(fd, 100) == 0 ? fd : -1;
}

void echo(int fd) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0 || ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
      return;
  }
}

/// A thread a client, which serves it and closes it.
void serve_each(const std::function<void(int)>& serve) {
  const int listener = open_listener();
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    try {
      std::thread([fd, serve] {
        serve(fd);
        ::close(fd);
      }).detach();
    } catch (const std::system_error&) {
      ::close(fd);
    }
  }
}

/// The warm-up's client, and one more.
void serve_two() {
  const int listener = open_listener();
  for (int served = 0; served < 2; ++served) {
    const int fd = ::accept(listener, nullptr, nullptr);
    echo(fd);
    ::close(fd);
  }
}

constexpr const char* kOneExchange =
    R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"text": "hello"}})";

class QuickPlayerTest : public ::testing::Test {
 protected:
  static inline std::function<void()> body_of_server;

  sim::Simulation simulation{sim::ServerProgram{.main =
                                                    [](int, char**, char**) {
                                                      body_of_server();
                                                      return 0;
                                                    },
                                                .arguments = {"server"},
                                                .environment = nullptr},
                             sim::ServerMemory{}};
  Target target{.name = "server",
                .command = {"server"},
                .transport = Transport::tcp,
                .port = 7777,
                .speaks = built_in_dialogue("echo", Transport::tcp).value()};
  std::unique_ptr<QuickPlayer> player;
  bool knows_memory = false;

  void start(std::function<void()> server) {
    body_of_server = std::move(server);
    QuickPlayerOptions options{.port = 7777, .path = {}, .on_play_again = {}};
    options.knows_memory = knows_memory;
    player = std::make_unique<QuickPlayer>(simulation, target, options);
    const Result<void> started = player->start();
    ASSERT_TRUE(started) << to_string(started.error());
  }
  /// The rule that is broken; "": none.
  std::string play(const std::string& steps, const std::string& more = "") {
    const std::string text =
        R"({"id": "a/b", "level": "must", "summary": "s", "steps": [)" + steps + "]" + more + "}";
    const Document document = parse_document(text, "steps.json").value();
    const Plan plan = make_plan(read_scenario(document, {}).value(), target, PlanOptions{}).value();
    const std::optional<Suspicion> suspicion = player->play(plan);
    return suspicion ? suspicion->rule : "";
  }
};

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

TEST_F(QuickPlayerTest, OctetsOfSomebodyElse) {
  start([] {
    static char buffer[4096];
    serve_each([](int fd) {
      for (;;) {
        const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
        if (size <= 0) return;
        buffer[size] = '!';
        ::send(fd, buffer, static_cast<std::size_t>(size) + (size == 3 ? 1 : 0), MSG_NOSIGNAL);
      }
    });
  });
  EXPECT_EQ(play(kOneExchange), "");
  EXPECT_EQ(play(R"({"client": "a", "connect": {}}, {"client": "a", "send": {"text": "abc"}})"),
            "protocol");
}

TEST_F(QuickPlayerTest, OctetsThatNeverComeBack) {
  start([] {
    serve_each([](int fd) {
      char buffer[4096];
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size > 0) ::send(fd, buffer, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      while (::recv(fd, buffer, sizeof buffer, 0) > 0) continue;
    });
  });
  EXPECT_EQ(play(kOneExchange), "");
  EXPECT_EQ(play(std::string(kOneExchange) + R"(, {"client": "a", "send": {"text": "more"}})"),
            "protocol");
}

/// Answers the lines of one recv(2), as `answer` says it.
void serve_lines(const std::function<std::string(std::vector<std::string>)>& answer) {
  serve_each([answer](int fd) {
    std::string input;
    char buffer[4096];
    for (;;) {
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) return;
      input.append(buffer, static_cast<std::size_t>(size));
      std::vector<std::string> lines;
      for (std::size_t end = 0; (end = input.find('\n')) != std::string::npos;) {
        lines.push_back("ok " + input.substr(0, end + 1));
        input.erase(0, end + 1);
      }
      const std::string replies = answer(lines);
      ::send(fd, replies.data(), replies.size(), MSG_NOSIGNAL);
    }
  });
}

std::string all_of(const std::vector<std::string>& lines) {
  std::string together;
  for (const std::string& line : lines) together += line;
  return together;
}

class QuickPlayerOfLinesTest : public QuickPlayerTest {
 protected:
  const std::string two =
      R"({"client": "a", "connect": {}}, {"client": "a", "send": "one\ntwo\n"})";

  void start_lines(const std::function<std::string(std::vector<std::string>)>& answer) {
    target.speaks = *built_in_dialogue("line", Transport::tcp);
    start([answer] { serve_lines(answer); });
  }
};

TEST_F(QuickPlayerOfLinesTest, ACorrectServerBreaksNoRule) {
  start_lines(all_of);
  EXPECT_EQ(play(two), "");
  EXPECT_EQ(play(two + R"(, {"client": "a", "send": "half a line"})"), "");
}

TEST_F(QuickPlayerOfLinesTest, AReplyThatNeverComes) {
  start_lines([](const std::vector<std::string>& lines) {
    return lines.size() == 2 ? lines[0] : all_of(lines);
  });
  EXPECT_EQ(play(two), "protocol");
}

TEST_F(QuickPlayerOfLinesTest, AReplyThatNobodyAskedFor) {
  start_lines([](const std::vector<std::string>& lines) {
    return all_of(lines) + (lines.size() == 2 ? "ok \n" : "");
  });
  EXPECT_EQ(play(two), "protocol");
}

TEST_F(QuickPlayerOfLinesTest, RepliesInAnotherOrder) {
  start_lines([](std::vector<std::string> lines) {
    std::reverse(lines.begin(), lines.end());
    return all_of(lines);
  });
  EXPECT_EQ(play(two), "protocol");
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
