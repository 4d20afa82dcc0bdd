#include "harness/base/text.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(QuoteTest, MakesInvisibleOctetsVisible) {
  EXPECT_EQ(quote(Bytes("a\r\n\0\xff", 5)), R"("a\r\n\x00\xff")");
}
TEST(QuoteTest, CountsWhatItLeavesOut) { EXPECT_EQ(quote("abcdef", 2), R"("ab" ... 4 more)"); }

TEST(CountOfTest, SeparatesThousandsAndForgetsNoPlural) {
  EXPECT_EQ(count_of(1, "byte"), "1 byte");
  EXPECT_EQ(count_of(1048576, "byte"), "1,048,576 bytes");
}

TEST(NearestTest, FindsASlipOfTheFinger) {
  EXPECT_EQ(nearest("conect", {"close", "connect"}), "connect");
}
TEST(NearestTest, FindsAForgottenTheme) {
  EXPECT_EQ(nearest("reply-in-full", {"half-close/reply-in-full"}), "half-close/reply-in-full");
}
TEST(NearestTest, OffersNothingFar) { EXPECT_EQ(nearest("zebra", {"connect", "close"}), ""); }

TEST(MatchesGlobTest, StarCrossesSlashes) {
  EXPECT_TRUE(matches_glob("half*", "half-close/reply-in-full"));
  EXPECT_TRUE(matches_glob("*/reply*", "half-close/reply-in-full"));
  EXPECT_FALSE(matches_glob("half", "half-close/reply-in-full"));
  EXPECT_TRUE(matches_glob("a?c", "abc"));
}

TEST(SplitCommandTest, KeepsQuotedWordsWhole) {
  EXPECT_EQ(split_command(R"(redis-server --save "" 'a b' c\ d)"),
            (std::vector<std::string>{"redis-server", "--save", "", "a b", "c d"}));
}
TEST(SplitCommandTest, RefusesAnOpenQuote) { EXPECT_TRUE(split_command("echo 'a").empty()); }

TEST(JoinOrTest, ReadsLikeASentence) {
  EXPECT_EQ(join_or({"a"}), "a");
  EXPECT_EQ(join_or({"a", "b", "c"}), "a, b or c");
}

TEST(HexTest, IsTwoDigitsAnOctetBothWays) {
  const Bytes octets("\0\x7f\xff", 3);
  EXPECT_EQ(to_hex(octets), "007fff");
  EXPECT_EQ(from_hex("007Fff"), octets);
  EXPECT_EQ(from_hex(""), "");
  for (const char* wrong : {"0", "0g", "g0", "-1", "+1", " 1", "0x"}) EXPECT_FALSE(from_hex(wrong));
}

TEST(QuoteForShellTest, QuotesOnlyWhatAShellWouldChange) {
  EXPECT_EQ(quote_for_shell("a/b.json:echo"), "a/b.json:echo");
  EXPECT_EQ(quote_for_shell("python3 my.py {port}"), "'python3 my.py {port}'");
  EXPECT_EQ(quote_for_shell("it's"), "'it'\\''s'");
  EXPECT_EQ(quote_for_shell(""), "''");
}

TEST(TextTest, ReplacesEveryOne) {
  std::string text = "a.b.c";
  replace_all(text, ".", "..");
  EXPECT_EQ(text, "a..b..c");
  replace_all(text, "", "x");
  EXPECT_EQ(text, "a..b..c");
}

}  // namespace
}  // namespace sockdrill
