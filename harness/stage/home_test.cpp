#include "harness/stage/home.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "harness/stage/testing/test_stage.h"

namespace sockdrill {
namespace {

using testing_stage::home_for;
using testing_stage::Mode;

TEST(EnterHomeTest, StaysOutsideWhereIsolationIsNotWanted) {
  const Home& home = home_for(Mode::degraded);
  EXPECT_FALSE(home.isolated);
  EXPECT_FALSE(home.network.is_open());
  EXPECT_EQ(home.why_degraded, "isolation was not wanted");
}

TEST(EnterHomeTest, HoldsItsNetworkOrSaysWhyNot) {
  const Home& home = home_for(Mode::isolated);
  EXPECT_EQ(home.isolated, home.network.is_open());
  EXPECT_EQ(home.isolated, home.why_degraded.empty());
}

TEST(EnterHomeTest, SaysWhereItLooksForTheAgent) {
  ::setenv("SOCKDRILL_LIBEXEC", "/nowhere", 1);
  const Result<Home> home = enter_home(false);
  ::unsetenv("SOCKDRILL_LIBEXEC");
  ASSERT_FALSE(home);
  EXPECT_TRUE(home.error().message.starts_with("/nowhere/sockdrill-agent: ENOENT"))
      << home.error().message;
}

}  // namespace
}  // namespace sockdrill
