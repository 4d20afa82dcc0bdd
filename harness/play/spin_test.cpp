#include "harness/play/spin.h"

#include <gtest/gtest.h>

#include "harness/play/testing/scripted_world.h"

namespace sockdrill {
namespace {

using namespace std::chrono_literals;
using testing::ScriptedWorld;

class SpinTest : public ::testing::Test {
 protected:
  SpinTest() {
    world_.sampled = [this](Nanoseconds now) {
      ++samples_;
      const auto share = std::chrono::duration_cast<Nanoseconds>(now * share_);
      return Resources{.descriptors = descriptors_, .ran = share, .runnable = now - share};
    };
  }
  /// Looks as often as the player does; when it spins, and nothing where it did not within `limit`.
  std::optional<Nanoseconds> spins_within(SpinWatch& watch, Nanoseconds limit) {
    const Nanoseconds began = world_.now();
    while (world_.now() - began < limit) {
      if (watch.spins()) return world_.now() - began;
      pass(watch.next_look() - world_.now());
    }
    return std::nullopt;
  }
  void pass(Nanoseconds time) { world_.wait(world_.now() + time); }

  ScriptedWorld world_;
  Loop loop_{world_};
  Sampler sampler_{world_};
  double share_ = 0;  ///< of a CPU that the server gets; for the rest of the time it is runnable
  int descriptors_ = 5;
  int samples_ = 0;
};

TEST_F(SpinTest, AServerThatWaitsDoesNotSpin) {
  SpinWatch watch(sampler_, world_, loop_);
  EXPECT_EQ(spins_within(watch, 1h), std::nullopt);
}

TEST_F(SpinTest, TwoSecondsOfCpuForNothingAreASpin) {
  share_ = 1;
  SpinWatch watch(sampler_, world_, loop_);
  const std::optional<Nanoseconds> after = spins_within(watch, 1h);
  ASSERT_TRUE(after);
  EXPECT_GE(*after, 2s);
  EXPECT_LE(*after, 2500ms);
}

TEST_F(SpinTest, TimeThatAServerOnlyWantedIsNotCounted) {
  share_ = 0.1;  // nine others want the processor
  SpinWatch watch(sampler_, world_, loop_);
  const std::optional<Nanoseconds> after = spins_within(watch, 1h);
  ASSERT_TRUE(after);
  EXPECT_GE(*after, 20s);
}

TEST_F(SpinTest, ProgressBeginsTheCountAnew) {
  share_ = 1;
  SpinWatch watch(sampler_, world_, loop_);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(spins_within(watch, 1500ms), std::nullopt);
    watch.restart();
  }
  EXPECT_TRUE(spins_within(watch, 3s));
}

TEST_F(SpinTest, TakingInClientsIsWorkAndEndsSomeDay) {
  share_ = 1;
  SpinWatch watch(sampler_, world_, loop_);
  for (int i = 0; i < 20; ++i) {
    ++descriptors_;
    ASSERT_EQ(spins_within(watch, 1500ms), std::nullopt);
  }
  // To open and close the same ones again and again is none.
  std::optional<Nanoseconds> after;
  for (int i = 0; i < 20 && !after; ++i) {
    descriptors_ += i % 2 == 0 ? -1 : 1;
    after = spins_within(watch, 500ms);
  }
  EXPECT_TRUE(after);
}

TEST_F(SpinTest, LittleIsEnoughToSeeASpinAgain) {
  share_ = 1;
  SpinWatch first(sampler_, world_, loop_);
  ASSERT_TRUE(spins_within(first, 1h));
  SpinWatch second(sampler_, world_, loop_);
  const std::optional<Nanoseconds> after = spins_within(second, 1h);
  ASSERT_TRUE(after);
  EXPECT_LE(*after, 500ms);
}

TEST_F(SpinTest, ACrowdSharesItsSamples) {
  std::vector<std::unique_ptr<SpinWatch>> crowd;
  for (int i = 0; i < 100; ++i)
    crowd.push_back(std::make_unique<SpinWatch>(sampler_, world_, loop_));
  for (int turn = 0; turn < 10; ++turn) {
    for (const auto& watch : crowd) EXPECT_FALSE(watch->spins());
    pass(250ms);
  }
  EXPECT_EQ(samples_, 10);
}

}  // namespace
}  // namespace sockdrill
