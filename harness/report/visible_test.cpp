#include "harness/report/visible.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(VisibleTest, LeavesTextAlone) {
  EXPECT_EQ(visible("Gr\u00fc\u00dfe, \u4f60\u597d"), "Gr\u00fc\u00dfe, \u4f60\u597d");
}

TEST(VisibleTest, ShowsWhatWouldMoveTheCursorOrHide) {
  EXPECT_EQ(visible("\x1b[2J\r\n\t\x07"), "\\x1b[2J\\r\\n\\t\\x07");
  EXPECT_EQ(visible("\u009b1m"), "\\u009b1m") << "the one-character CSI";
  EXPECT_EQ(visible("a\u202egnp.exe"), "a\\u202egnp.exe") << "right to left";
  EXPECT_EQ(visible("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
}

TEST(VisibleTest, KeepsLinesWhereLinesAreWanted) {
  EXPECT_EQ(visible_lines("a\n\tb\x1b\r\n"), "a\n\tb\\x1b\\r\n");
}

TEST(ShortenTest, CountsCharacters) {
  EXPECT_EQ(shorten("\u20ac\u20ac\u20ac\u20ac", 4), "\u20ac\u20ac\u20ac\u20ac");
  EXPECT_EQ(shorten("\u20ac\u20ac\u20ac\u20ac\u20ac", 4), "\u20ac\u20ac..");
}

TEST(WrapTest, BreaksAtSpaces) {
  EXPECT_EQ(wrap("aa bb cccccc d", 5), (std::vector<std::string>{"aa bb", "ccccc", "c d"}));
}

}  // namespace
}  // namespace sockdrill
