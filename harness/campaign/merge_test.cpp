#include "harness/campaign/merge.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

WeighedInput weighed(std::uint64_t size, std::vector<std::uint64_t> features) {
  return {.file = "f", .size = size, .features = std::move(features)};
}

TEST(MergeTest, KeepsTheSmallestThatReachSomething) {
  const std::vector<WeighedInput> inputs{weighed(30, {1, 2}), weighed(10, {1}), weighed(20, {1}),
                                         weighed(40, {2}), weighed(5, {})};
  EXPECT_EQ(worth_keeping(inputs, 0), (std::vector<std::size_t>{0, 1}));
}

TEST(MergeTest, LeavesWhatIsThereAndTakesWhatAddsToIt) {
  const std::vector<WeighedInput> inputs{weighed(30, {1, 2}), weighed(40, {1}), weighed(10, {2}),
                                         weighed(20, {3})};
  EXPECT_EQ(worth_keeping(inputs, 2), (std::vector<std::size_t>{0, 1, 3}));
}

TEST(MergeTest, OfTwoAsSmallTheOneThatReachesMore) {
  EXPECT_EQ(worth_keeping({weighed(10, {1}), weighed(10, {1, 2})}, 0),
            (std::vector<std::size_t>{1}));
}

TEST(MergeTest, ReadsWhatLibFuzzerWrites) {
  const Result<std::vector<WeighedInput>> inputs =
      read_control_file("3\n0\na\nb\nc\nSTARTED 0 12\nFT 0 1 5 7\nCOV 0\nSTARTED 1 4\n", "control");
  ASSERT_TRUE(inputs);
  ASSERT_EQ(inputs->size(), 3U);
  EXPECT_EQ((*inputs)[0].size, 12U);
  EXPECT_EQ((*inputs)[0].features, (std::vector<std::uint64_t>{1, 5, 7}));
  EXPECT_EQ((*inputs)[1].size, 4U);
  EXPECT_TRUE((*inputs)[1].features.empty());
  EXPECT_FALSE(read_control_file("3\n0\na\n", "control"));
  EXPECT_FALSE(read_control_file("", "control"));
}

}  // namespace
}  // namespace sockdrill
