#include <gtest/gtest.h>

#include "harness/stage/stage.h"

namespace sockdrill {
namespace {

constexpr std::size_t kKept = OutputTail::kKept;

TEST(OutputTailTest, KeepsLittleAsItIs) {
  OutputTail tail;
  tail.append("one ");
  tail.append("two");
  EXPECT_EQ(tail.text(), "one two");
  EXPECT_EQ(tail.total(), 7U);
}

TEST(OutputTailTest, KeepsTwiceTheLimitWhole) {
  OutputTail tail;
  tail.append(std::string(kKept, 'a') + std::string(kKept, 'b'));
  EXPECT_EQ(tail.text(), std::string(kKept, 'a') + std::string(kKept, 'b'));
}

TEST(OutputTailTest, SaysHowMuchItLeftOut) {
  OutputTail tail;
  tail.append(std::string(kKept, 'a') + "x" + std::string(kKept, 'b'));
  EXPECT_EQ(tail.text(),
            std::string(kKept, 'a') + "\n[... 1 byte left out ...]\n" + std::string(kKept, 'b'));
}

TEST(OutputTailTest, IsTheSameHoweverTheTextCame) {
  const std::string text = std::string(kKept, 'a') + std::string(3 * kKept, 'b') + "the end";
  OutputTail whole;
  OutputTail pieces;
  whole.append(text);
  for (std::size_t at = 0; at < text.size(); at += 1000) pieces.append(text.substr(at, 1000));
  EXPECT_EQ(whole.text(), pieces.text());
  EXPECT_EQ(whole.total(), pieces.total());
  EXPECT_TRUE(pieces.text().ends_with("bthe end"));
}

}  // namespace
}  // namespace sockdrill
