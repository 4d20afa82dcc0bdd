#include "harness/base/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

TEST(Utf8Test, TakesWholeCharacters) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("ASCII, \u00e9, \u20ac and \U0001f600"));
  EXPECT_EQ(utf8_length("\u20ac", 0), 3U);
}

TEST(Utf8Test, RefusesWhatOnlyLooksLikeIt) {
  EXPECT_FALSE(is_utf8("\xe2\x82")) << "cut short";
  EXPECT_FALSE(is_utf8("\x80")) << "a continuation alone";
  EXPECT_FALSE(is_utf8("\xc0\xaf")) << "overlong";
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf")) << "overlong";
  EXPECT_FALSE(is_utf8("\xed\xa0\x80")) << "a surrogate";
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80")) << "beyond U+10FFFF";
  EXPECT_FALSE(is_utf8("\xff"));
}

TEST(Utf8Test, DoesNotLookBeyondTheEnd) { EXPECT_EQ(utf8_length("a", 1), 0U); }

}  // namespace
}  // namespace sockdrill
