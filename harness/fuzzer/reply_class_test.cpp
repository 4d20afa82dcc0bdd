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

TEST(ReplyClassTest, SeesAllRepliesThatCameTogether) {
  using Classes = std::vector<std::string>;
  EXPECT_EQ(classes_of_replies("220 ready\r\n331 password\r\n"), (Classes{"220", "331"}));
  EXPECT_EQ(classes_of_replies("$5\r\nhello\r\n+OK\r\n"), (Classes{"$0", "+OK"}));
  EXPECT_EQ(classes_of_replies("hello"), (Classes{"hello"}));
  EXPECT_EQ(classes_of_replies(""), (Classes{""}));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "+OK\r\n";
  EXPECT_EQ(classes_of_replies(many).size(), 64U);
}

}  // namespace
}  // namespace sockdrill
