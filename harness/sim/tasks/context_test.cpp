#include "harness/sim/tasks/context.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <string>
#include <vector>

#include "harness/sim/tasks/thread_pointer.h"

namespace sockdrill::sim {
namespace {

struct Two {
  Context here;
  Context there;
  std::string log;
  int rounds = 0;
};

void say_there(void* argument) {
  Two& two = *static_cast<Two*>(argument);
  for (;;) {
    two.log += "there ";
    ++two.rounds;
    switch_context(two.there, two.here);
  }
}

TEST(ContextTest, GoesOnWhereItLeftOff) {
  std::vector<char> stack(65536);
  Two two;
  two.there = make_context(stack.data() + stack.size(), say_there, &two);
  for (int i = 0; i < 3; ++i) {
    switch_context(two.here, two.there);
    two.log += "here ";
  }
  EXPECT_EQ(two.log, "there here there here there here ");
}

void round_down(void* argument) {
  Two& two = *static_cast<Two*>(argument);
  std::fesetround(FE_DOWNWARD);
  switch_context(two.there, two.here);
}

TEST(ContextTest, EachKeepsItsOwnWayOfRounding) {
  std::vector<char> stack(65536);
  Two two;
  two.there = make_context(stack.data() + stack.size(), round_down, &two);
  switch_context(two.here, two.there);
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
}

TEST(ThreadPointerTest, IsWhatPthreadSelfSays) {
  EXPECT_EQ(thread_pointer(), static_cast<ThreadPointer>(::pthread_self()));
}

}  // namespace
}  // namespace sockdrill::sim
