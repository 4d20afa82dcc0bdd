#include "harness/report/difference.h"

#include <gtest/gtest.h>

#include "harness/report/report.h"
#include "harness/scenario/content.h"

namespace sockdrill {
namespace {

Difference at(std::uint64_t offset, Bytes expected, Bytes actual, std::uint64_t window_from = 0) {
  return {.at = offset,
          .window_from = window_from,
          .expected = std::move(expected),
          .actual = std::move(actual)};
}

TEST(DrawDifferenceTest, PutsACaretUnderTheFirstWrongOctet) {
  EXPECT_EQ(
      draw_difference(at(17, "0123456789abcdefgHi", "0123456789abcdefghi"), false),
      R"(          0  same      30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|
         16  expected  67 48 69                                          |gHi             |
             actual    67 68 69                                          |ghi             |
                          ^^                                               ^
             Octet 17 is 0x68 instead of 0x48.
)");
}

TEST(DrawDifferenceTest, KeepsTheColumnsOfAWindowThatBeginsInsideARow) {
  EXPECT_EQ(
      draw_difference(at(1'000'010, "xy", "xz", 1'000'009), false),
      R"(  1,000,000  expected                              78 79                 |         xy     |
             actual                                78 7a                 |         xz     |
                                                      ^^                            ^
             Octet 1,000,010 is 0x7a instead of 0x79.
)");
}

TEST(SayDifferenceTest, KnowsALostOctetOfAPattern) {
  EXPECT_EQ(
      say_difference(at(500, pattern_octets("a___", 500, 40), pattern_octets("a___", 501, 40), 500),
                     {"a", "b"}),
      "From octet 500 on came octets 501.. of client a's pattern: 1 octet is missing before "
      "them.");
}

TEST(SayDifferenceTest, KnowsOctetsThatCameTwice) {
  EXPECT_EQ(say_difference(
                at(4096, pattern_octets("a___", 4096, 40), pattern_octets("a___", 0, 40), 4096),
                {"a", "b"}),
            "From octet 4,096 on came octets 0.. of client a's pattern: 4,096 octets came twice.");
}

TEST(SayDifferenceTest, KnowsOctetsOfAnotherConnection) {
  EXPECT_EQ(
      say_difference(at(64, pattern_octets("a___", 64, 40), pattern_octets("b___", 8192, 40), 64),
                     {"a", "b"}),
      "From octet 64 on came octets 8,192.. of client b's pattern, where client a's "
      "pattern had to go on: they are another connection's.");
}

TEST(SayDifferenceTest, NamesTheKeyThatIsNobodys) {
  EXPECT_EQ(say_difference(at(0, "x", pattern_octets("3k9x", 0, 40)), {"a"}),
            "From octet 0 on came octets 0.. of pattern 3k9x.");
}

TEST(SayDifferenceTest, SaysWhereOneSideEnds) {
  EXPECT_EQ(say_difference(at(2, "abc", "ab"), {"a", "b"}), "Nothing came from octet 2 on.");
  EXPECT_EQ(say_difference(at(2, "ab", "abc"), {"a", "b"}),
            "Nothing more had to come from octet 2 on.");
  EXPECT_EQ(say_difference(Difference{}, {}), "");
}

TEST(DrawDifferenceTest, SurvivesOffsetsAtTheEndOfTheWorld) {
  EXPECT_FALSE(draw_difference(at(UINT64_MAX, "a", "b", UINT64_MAX), false).empty());
  EXPECT_TRUE(draw_difference(at(UINT64_MAX, "", "", 0), false).empty());
}

}  // namespace
}  // namespace sockdrill
