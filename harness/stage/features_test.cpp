#include <gtest/gtest.h>

#include <algorithm>

#include "harness/stage/testing/test_stage.h"

namespace sockdrill {
namespace {

using testing_stage::home_for;
using testing_stage::Mode;

TEST(ExamineTest, SaysOfEachFeatureWhatWasFoundAndWhatItCosts) {
  for (const Feature& feature : examine(home_for(Mode::isolated))) {
    EXPECT_NE(feature.name, "");
    EXPECT_NE(feature.detail, "") << feature.name;
    EXPECT_NE(feature.costs, "") << feature.name;
    RecordProperty(feature.name, feature.detail);
  }
}

TEST(ExamineTest, AgreesWithTheHome) {
  for (const Mode mode : {Mode::isolated, Mode::degraded}) {
    const Home& home = home_for(mode);
    const std::vector<Feature> features = examine(home);
    const auto isolation = std::ranges::find(features, "isolated stages", &Feature::name);
    ASSERT_NE(isolation, features.end());
    EXPECT_EQ(isolation->available, home.isolated);
  }
}

TEST(ExamineTest, FindsWhatEveryLinuxHas) {
  const std::vector<Feature> features = examine(home_for(Mode::degraded));
  const auto limits =
      std::ranges::find(features, "limits of a running process (prlimit)", &Feature::name);
  ASSERT_NE(limits, features.end());
  EXPECT_TRUE(limits->available) << limits->detail;
}

}  // namespace
}  // namespace sockdrill
