#include "harness/fuzzer/reply_class.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(ReplyClassTest, ACodeIsKeptAndNumbersThatCountAreNot) {
  EXPECT_EQ(class_of_reply("220 welcome\r\n"), "220");
  EXPECT_EQ(class_of_reply("550-no\r\n"), "550-no");
  EXPECT_EQ(class_of_reply("$512\r\nabc"), "$0");
  EXPECT_EQ(class_of_reply(":7\r\n"), ":0");
  EXPECT_EQ(class_of_reply("1234567\r\n"), "0");
  EXPECT_EQ(class_of_reply("+OK\r\n"), "+OK");
  EXPECT_EQ(class_of_reply(""), "");
}

TEST(ReplyClassTest, IsBounded) { EXPECT_EQ(class_of_reply(std::string(100, 'a')).size(), 12U); }

}  // namespace
}  // namespace sockdrill
