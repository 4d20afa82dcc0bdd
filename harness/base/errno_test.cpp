#include "harness/base/errno.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(NamesTest, FindsTheSymbolAndTheWordsHoweverTheyAreWritten) {
  const Errno in_use{EADDRINUSE};
  EXPECT_TRUE(names("bind: Address already in use\n", in_use));
  EXPECT_TRUE(names("listen tcp :7: bind: address already in use", in_use));
  EXPECT_TRUE(names("Error: listen EADDRINUSE", in_use));
  EXPECT_FALSE(names("bind: Permission denied", in_use));
  EXPECT_FALSE(names("", in_use));
}

}  // namespace
}  // namespace sockdrill
