#include "harness/suite/descriptors.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "harness/scenario/scenario.h"

namespace sockdrill {
namespace {

Plan plan_of(const std::string& steps) {
  const Target target = read_targets(parse_document(R"({"name": "t", "command": ["x"],
      "speaks": "echo", "listens": {"transport": "tcp"}})",
                                                    "t.json")
                                         .value())
                            .value()
                            .at(0);
  const Check check = read_check(parse_document(R"({"id": "a/b", "summary": "A", "level": "must",
      "applies": {"transport": "tcp"}, "steps": [)" +
                                                    steps + "]}",
                                                "x.json")
                                     .value())
                          .value();
  return make_plan(check, target, {}).value();
}

bool never() { return false; }

TEST(MostClientsTest, CountsThoseOpenAtTheSameTime) {
  EXPECT_EQ(most_clients(plan_of(R"({"client": "a", "connect": {}},
      {"client": "a", "close": {}}, {"client": "b", "connect": {}})")),
            1U);
  EXPECT_EQ(
      most_clients(plan_of(R"({"client": "a", "connect": {}}, {"client": "b", "connect": {}})")),
      2U);
}

TEST(MostClientsTest, CountsACrowdThatStays) {
  EXPECT_GE(most_clients(plan_of(R"({"clients": 700, "each": [{"connect": {}}]})")), 700U);
}

TEST(MostClientsTest, CountsOfACrowdThatLeavesThoseAtOnce) {
  const std::size_t most = most_clients(
      plan_of(R"({"clients": 700, "at_once": 5, "each": [{"connect": {}}, {"close": {}}]})"));
  EXPECT_GE(most, 5U);
  EXPECT_LT(most, 20U);
}

TEST(DescriptorPoolTest, GivesNoMoreThanThereAre) {
  DescriptorPool pool(100);
  std::atomic<std::size_t> held{0};
  std::atomic<bool> is_overdrawn{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        const auto share = pool.take(static_cast<std::size_t>(20 + 10 * i), never);
        if (held.fetch_add(share.taken()) + share.taken() > 100) is_overdrawn = true;
        std::this_thread::yield();
        held -= share.taken();
      }
    });
  }
  threads.clear();
  EXPECT_FALSE(is_overdrawn);
  EXPECT_EQ(pool.take(100, never).taken(), 100U) << "all were given back";
}

TEST(DescriptorPoolTest, GivesAllToWhoWantsMore) {
  DescriptorPool pool(100);
  EXPECT_EQ(pool.take(1000, never).taken(), 100U);
}

TEST(DescriptorPoolTest, ThoseBehindOneThatGivesUpAreServed) {
  DescriptorPool pool(100);
  const auto all = pool.take(100, never);
  std::jthread second([&] { EXPECT_EQ(pool.take(50, [] { return true; }).taken(), 0U); });
  second.join();
  EXPECT_EQ(pool.take(0, never).taken(), 0U);
}

}  // namespace
}  // namespace sockdrill
