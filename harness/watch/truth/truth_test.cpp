// "Settled" against the truth: whatever the watch calls settled, the server itself must say that it
// has consumed and answered. SOCKDRILL_TRUTH_CHECKS=N makes N checks a server (default 30),
// SOCKDRILL_TRUTH_BURNERS=N changes the number of CPU-burning neighbours.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "harness/watch/truth/world.h"

namespace sockdrill::truth {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Case {
  std::string model;
  std::string transport;
  std::size_t most_clients = 5;
  bool polls = false;
  bool is_isolated = true;
  int burners = 0;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.model << " " << c.transport << (c.is_isolated ? "" : " shared")
             << (c.burners > 0 ? " under load" : "");
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  std::string name = testing::PrintToString(info.param);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class TruthTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (const std::string why = enter_fresh_network(); !why.empty()) GTEST_SKIP() << why;
  }

  std::size_t pick(std::size_t count) { return random_() % count; }

  /// Something a client may do; at least one client is there afterwards.
  void act(World& world) {
    std::vector<Client*> open;
    for (Client& client : world.clients()) {
      if (client.fd.is_open()) open.push_back(&client);
    }
    const std::size_t what = pick(10);
    if (open.empty() || (what == 0 && open.size() < GetParam().most_clients)) {
      world.connect();
      ++connected_;
    } else if (what <= 2 && is_connected(world.server().transport()) &&
               GetParam().model != "two-step") {
      end(world, *open[pick(open.size())], pick(3));
    } else {
      world.send(*open[pick(open.size())], 1 + pick(2000));
      if (pick(2) == 0) world.send(*open[pick(open.size())], 1 + pick(100));
    }
  }

  void end(World& world, Client& client, std::size_t how) {
    if (how == 0) {
      world.close(client);
    } else if (how == 1 && client.socket.transport == Transport::tcp) {
      world.reset(client);
    } else {
      world.shutdown(client);
      closing_ = &client;
    }
    ++ended_;
  }

  /// All that the server says of itself must be as the watch claims.
  void compare(World& world) {
    std::uint64_t sent = 0;
    std::uint64_t messages = 0;
    for (const Client& client : world.clients()) {
      sent += client.socket.sent_bytes;
      messages += client.socket.sent_messages;
    }
    const Truth& truth = world.server().truth();
    EXPECT_EQ(truth.bytes.load(), sent) << "false: not consumed";
    EXPECT_EQ(truth.replied.load(), sent) << "false: not answered";
    if (is_connected(world.server().transport())) {
      EXPECT_EQ(truth.accepted.load(), connected_) << "false: not accepted";
      EXPECT_EQ(truth.ends.load(), ended_) << "false: end not seen";
    } else {
      EXPECT_EQ(truth.messages.load(), messages) << "false: datagrams not consumed";
    }
    for (Client& client : world.clients()) {
      if (!client.fd.is_open()) continue;
      EXPECT_EQ(world.drain(client), client.replies_due) << "false: replies not arrived";
      client.replies_due = 0;
    }
    if (closing_ != nullptr) closing_->fd.reset();
    if (closing_ != nullptr) closing_->socket.fd = kNoFd;
    closing_ = nullptr;
  }

  /// Play forgets clients that are over, too.
  static void forget_ended(World& world) {
    if (world.clients().size() < 100) return;
    std::uint64_t sent = 0;
    std::erase_if(world.clients(), [&](const Client& client) {
      if (client.fd.is_open()) return false;
      sent += client.socket.sent_bytes;
      return true;
    });
    world.server().truth().bytes -= sent;
    world.server().truth().replied -= sent;
  }

  std::mt19937 random_{4711};
  std::uint64_t connected_ = 0;
  std::uint64_t ended_ = 0;
  Client* closing_ = nullptr;
};

TEST_P(TruthTest, SaysSettledOnlyWhenTheServerHasConsumedEverything) {
  const Case& c = GetParam();
  const Burners burners(c.burners > 0 ? static_cast<int>(number_from("SOCKDRILL_TRUTH_BURNERS", 4))
                                      : 0);
  World world(c.model, c.transport, WatchOptions{.isolated = c.is_isolated, .polls = c.polls});
  ASSERT_TRUE(world.wait_for_listener());
  world.server().truth().work_us = 300;
  const std::uint64_t checks = number_from("SOCKDRILL_TRUTH_CHECKS", 30);
  for (std::uint64_t i = 0; i < checks && !HasFailure(); ++i) {
    act(world);
    const RestReport report = world.settle();
    ASSERT_EQ(report.rest, Rest::settled) << "check " << i << ": " << report.because;
    compare(world);
    forget_ended(world);
  }
  std::cout << GetParam() << ": " << checks << " checks, " << world.looks << " looks\n";
}

INSTANTIATE_TEST_SUITE_P(
    Servers, TruthTest,
    testing::Values(Case{"epoll", "tcp4"}, Case{"epoll-timed", "tcp4"}, Case{"threads", "tcp4"},
                    Case{"fork", "tcp4"}, Case{"sequential", "tcp4", 1}, Case{"sleep-poll", "tcp4"},
                    Case{"two-step", "tcp4", 1}, Case{"spin", "tcp4", 5, true},
                    Case{"housekeepers", "tcp4"}, Case{"epoll", "tcp4", 5, false, false},
                    Case{"epoll", "tcp6"}, Case{"epoll", "tcp46"}, Case{"threads", "tcp46"},
                    Case{"epoll", "udp4"}, Case{"sequential", "udp4"},
                    Case{"sequential", "udp4", 5, false, false}, Case{"sleep-poll", "udp4"},
                    Case{"spin", "udp4", 5, true}, Case{"sequential", "udp6"},
                    Case{"epoll", "unix"}, Case{"threads", "unix"}, Case{"fork", "unix"},
                    Case{"epoll", "unix", 5, false, false}, Case{"epoll", "unix-seqpacket"},
                    Case{"epoll", "unix-dgram"}, Case{"sequential", "unix-dgram"},
                    Case{"sequential", "unix-dgram", 5, false, false}),
    name_of);

INSTANTIATE_TEST_SUITE_P(ServersUnderLoad, TruthTest,
                         testing::Values(Case{"epoll", "tcp4", 5, false, true, 4},
                                         Case{"epoll-timed", "tcp4", 5, false, true, 4},
                                         Case{"threads", "tcp4", 5, false, true, 4},
                                         Case{"fork", "tcp4", 5, false, true, 4},
                                         Case{"sequential", "tcp4", 1, false, true, 4},
                                         Case{"sleep-poll", "tcp4", 5, false, true, 4},
                                         Case{"two-step", "tcp4", 1, false, true, 4},
                                         Case{"spin", "tcp4", 5, true, true, 4},
                                         Case{"sequential", "udp4", 5, false, true, 4},
                                         Case{"epoll", "unix", 5, false, true, 4},
                                         Case{"sequential", "unix-dgram", 5, false, true, 4}),
                         name_of);

}  // namespace
}  // namespace sockdrill::truth
