#include "targets/protocols/length_prefixed.h"

#include <gtest/gtest.h>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

const std::string kHello("\0\0\0\5hello", 9);
const std::string kLargest = std::string("\0\1\0\0", 4) + pattern(65536);

TEST(LengthPrefixedStreamTest, AnswersEachFrameByItself) {
  EXPECT_EQ(reply_to(LengthPrefixedStream(), kHello + kHello), kHello + kHello);
}
TEST(LengthPrefixedStreamTest, AnswersAnEmptyFrame) {
  const std::string empty(4, '\0');
  EXPECT_EQ(reply_to(LengthPrefixedStream(), empty + kHello + empty), empty + kHello + empty);
}
TEST(LengthPrefixedStreamTest, AnswersTheLargestFrame) {
  EXPECT_EQ(reply_to(LengthPrefixedStream(), kLargest + kHello), kLargest + kHello);
}
TEST(LengthPrefixedStreamTest, EndsAtALengthThatIsTooLarge) {
  LengthPrefixedStream stream;
  const std::string input = kHello + std::string("\0\1\0\1", 4);
  EXPECT_EQ(replay(stream, input + "rest", {.piece_bytes = 1, .room_bytes = 99}, false),
            (Replayed{.output = kHello, .consumed = 13, .is_finished = true}));
}
TEST(LengthPrefixedStreamTest, TakesTheLengthForUnsigned) {
  EXPECT_EQ(reply_to(LengthPrefixedStream(), "\xff\xff\xff\xff" + kHello), "");
}
TEST(LengthPrefixedStreamTest, SaysNothingBeforeTheFrameIsComplete) {
  LengthPrefixedStream stream;
  const Cut cut{.piece_bytes = 3, .room_bytes = 99};
  EXPECT_EQ(replay(stream, kHello.substr(0, 8), cut, false).output, "");
  EXPECT_EQ(replay(stream, "o", cut).output, kHello);
}
TEST(LengthPrefixedStreamTest, DropsAFrameThatTheClientDoesNotComplete) {
  EXPECT_EQ(reply_to(LengthPrefixedStream(), kHello + kHello.substr(0, 8)), kHello);
}

}  // namespace
}  // namespace sockdrill::protocols
