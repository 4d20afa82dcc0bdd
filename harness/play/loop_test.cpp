#include "harness/play/loop.h"

#include <gtest/gtest.h>

#include "harness/play/testing/scripted_world.h"

namespace sockdrill {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedWorld;

const RestReport kBusy{.rest = Rest::busy};
const RestReport kSoft{.rest = Rest::settled, .is_firm = false};
const RestReport kFirm{.rest = Rest::settled, .is_firm = true};
const RestReport kGone{.rest = Rest::gone, .is_firm = true};

class LoopTest : public ::testing::Test {
 protected:
  /// Waits once, and notes who was woken, in order.
  Task<void> waiter(std::string name, WaitFor what) {
    woken_[name] = co_await loop_.wait(std::move(what));
    order_.push_back(name);
  }
  void run(std::vector<Task<void>> tasks) {
    Task<void> all = loop_.run_all(tasks, tasks.size());
    loop_.run(all);
  }
  template <typename... Tasks>
  void run_beside(Tasks... tasks) {
    std::vector<Task<void>> list;
    (list.push_back(std::move(tasks)), ...);
    run(std::move(list));
  }

  ScriptedWorld world_;
  Loop loop_{world_};
  std::map<std::string, Woken> woken_;
  std::vector<std::string> order_;
};

TEST_F(LoopTest, EndsAWaitWhenItsTimeHasCome) {
  run_beside(waiter("late", {.until = 50ms}), waiter("early", {.until = 20ms}));
  EXPECT_EQ(order_, (std::vector<std::string>{"early", "late"}));
  EXPECT_TRUE(woken_["early"].is_late);
  EXPECT_GE(world_.now(), 50ms);
}

TEST_F(LoopTest, WakesWhoeverWaitsForASocket) {
  world_.readiness.emplace(10ms, Ready{.socket = SocketId{3}, .readable = true});
  run_beside(waiter("a", {.socket = SocketId{3}, .read = true, .until = 1s}),
             waiter("b", {.socket = SocketId{4}, .read = true, .until = 30ms}));
  EXPECT_TRUE(woken_["a"].readable);
  EXPECT_FALSE(woken_["a"].is_late);
  EXPECT_TRUE(woken_["b"].is_late);
}

TEST_F(LoopTest, KeepsAnEdgeThatCameWhileNobodyWaited) {
  world_.readiness.emplace(10ms, Ready{.socket = SocketId{3}, .readable = true});
  auto later = [this]() -> Task<void> {
    co_await loop_.wait({.until = 20ms});
    co_await waiter("a", {.socket = SocketId{3}, .read = true, .until = 1s});
  };
  run_beside(later());
  EXPECT_TRUE(woken_["a"].readable);
  EXPECT_LT(world_.now(), 1s);
}

TEST_F(LoopTest, TellsAnyRestBeforeAFirmOne) {
  world_.looks = {kBusy, kSoft, kFirm};
  run_beside(waiter("alone", {.rest = WantsRest::firm_alone, .until = 10s}),
             waiter("firm", {.rest = WantsRest::firm, .until = 10s}),
             waiter("any", {.rest = WantsRest::any, .until = 10s}));
  EXPECT_EQ(order_, (std::vector<std::string>{"any", "firm", "alone"}));
  for (const auto& [name, woken] : woken_) EXPECT_FALSE(woken.is_late) << name;
  EXPECT_TRUE(woken_["alone"].rest->is_firm);
}

TEST_F(LoopTest, TellsThatSomethingDidNotHappenToOneAtATime) {
  world_.looks = {kFirm};
  run_beside(waiter("first", {.rest = WantsRest::firm_alone, .until = 10s}),
             waiter("second", {.rest = WantsRest::firm_alone, .until = 10s}));
  EXPECT_EQ(order_, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(world_.looked, 2U) << "what the first does next may move the server";
}

TEST_F(LoopTest, LetsAConditionMakeAnyRestEnough) {
  world_.looks = {kSoft};
  run_beside(waiter("a", {.rest = WantsRest::firm_alone,
                          .or_any_if = [](const RestReport&) { return true; },
                          .until = 10s}));
  EXPECT_FALSE(woken_["a"].is_late);
}

TEST_F(LoopTest, NeverTakesASoftRestForAFirmOne) {
  world_.looks = {kSoft};
  run_beside(waiter("a", {.rest = WantsRest::firm_alone, .until = 200ms}));
  EXPECT_TRUE(woken_["a"].is_late);
}

TEST_F(LoopTest, LooksLessAndLessOftenWhileTheServerIsBusy) {
  world_.looks = {kBusy};
  run_beside(waiter("a", {.rest = WantsRest::any, .until = 10s}));
  EXPECT_TRUE(woken_["a"].is_late);
  EXPECT_LT(world_.looked, 2200U);  // one in 5 ms, after a quick start
}

TEST_F(LoopTest, TellsEverybodyWhenTheServerIsGone) {
  world_.looks = {kGone};
  run_beside(waiter("a", {.rest = WantsRest::any, .until = 10s}),
             waiter("b", {.rest = WantsRest::firm_alone, .until = 10s}));
  EXPECT_EQ(world_.looked, 1U);
  for (const auto& [name, woken] : woken_) EXPECT_EQ(woken.rest->rest, Rest::gone) << name;
}

TEST_F(LoopTest, LooksOnlyAfterWhatUsuallyComesSoon) {
  world_.looks = {kFirm};
  world_.readiness.emplace(1ms, Ready{.socket = SocketId{3}, .readable = true});
  run_beside(waiter("a", {.socket = SocketId{3},
                          .read = true,
                          .rest = WantsRest::firm,
                          .until = 10s,
                          .rest_after = 5ms}));
  EXPECT_TRUE(woken_["a"].readable);
  EXPECT_EQ(world_.looked, 0U);
}

TEST_F(LoopTest, EndsEveryWaitWhenItIsInterrupted) {
  loop_.should_interrupt = [this] { return world_.now() > 30ms; };
  world_.looks = {kBusy};
  run_beside(waiter("a", {.rest = WantsRest::any, .until = 1h}), waiter("b", {.until = 1h}));
  EXPECT_TRUE(woken_["a"].is_late);
  EXPECT_TRUE(woken_["b"].is_late);
  EXPECT_LT(world_.now(), 1s);
}

TEST_F(LoopTest, RunsSoManyAtATimeAndStartsThemInOrder) {
  int running = 0;
  int most = 0;
  auto work = [&](int number) -> Task<void> {
    most = std::max(most, ++running);
    order_.push_back(std::to_string(number));
    co_await loop_.wait({.until = world_.now() + 10ms});
    --running;
  };
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(work(i));
  Task<void> all = loop_.run_all(tasks, 2);
  loop_.run(all);
  EXPECT_EQ(most, 2);
  EXPECT_EQ(order_, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST_F(LoopTest, GoesThroughManyStepsThatNeedNoWaitingWithoutAStackForEach) {
  int steps = 0;
  auto work = [&]() -> Task<void> {
    for (; steps < 200'000; ++steps) co_await loop_.yield();
  };
  run_beside(work());
  EXPECT_EQ(steps, 200'000);
}

}  // namespace
}  // namespace sockdrill
