#include "targets/protocols/chargen.h"

#include <gtest/gtest.h>

#include <set>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

std::string generate(std::size_t size_bytes, std::size_t room_bytes) {
  ChargenStream chargen;
  const Cut cut{.piece_bytes = 1, .room_bytes = room_bytes};
  return replay(chargen, "", cut, false, size_bytes).output.substr(0, size_bytes);
}
std::string line(std::size_t number) { return generate(74 * (number + 1), 74).substr(74 * number); }

TEST(ChargenStreamTest, BeginsWithTheFirstLineOfTheRfc) {
  EXPECT_EQ(line(0), R"( !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefg)"
                     "\r\n");
}
TEST(ChargenStreamTest, BeginsEachLineOneCharacterLater) {
  EXPECT_EQ(line(1).substr(0, 3), "!\"#");
  EXPECT_EQ(line(30).substr(60), "z{|}~ !\"#$%&\r\n");
}
TEST(ChargenStreamTest, BeginsAgainAfter95Lines) {
  EXPECT_EQ(line(94).substr(0, 3), "~ !");
  for (const std::size_t number : {95U, 190U, 285U, 950U})
    EXPECT_EQ(line(number), line(0)) << number;
}
TEST(ChargenStreamTest, NeverStopsByItself) {
  EXPECT_EQ(generate(1'000'000, 999).size(), 1'000'000U);
}
TEST(ChargenStreamTest, SaysTheSameHoweverLittleRoomThereIs) {
  EXPECT_EQ(generate(20'000, 1), generate(20'000, 4096));
  EXPECT_EQ(generate(20'000, 73), generate(20'000, 75));
}
TEST(ChargenStreamTest, ThrowsInputAwayEvenWithoutRoom) {
  ChargenStream chargen;
  EXPECT_EQ(chargen.advance("hello", false, {}), (Progress{.consumed = 5, .produced = 0}));
}
TEST(ChargenStreamTest, CompletesTheLineWhenTheInputEnds) {
  ChargenStream chargen;
  std::string room(100, ' ');
  EXPECT_EQ(chargen.advance("", false, room).produced, 100U);
  EXPECT_EQ(chargen.advance("", true, room).produced, 48U);
  EXPECT_TRUE(chargen.is_finished());
}
TEST(ChargenStreamTest, SendsOneLineToAClientThatEndsAtOnce) {
  EXPECT_EQ(reply_to(ChargenStream(), ""), line(0));
}

TEST(ChargenDatagramTest, AnswersWithEveryLengthUpTo512) {
  ChargenDatagram chargen;
  std::string scratch(512, ' ');
  std::set<std::size_t> lengths;
  for (int i = 0; i < 513; ++i) lengths.insert(chargen.answer("", 0, scratch)->size());
  EXPECT_EQ(lengths.size(), 513U);
  EXPECT_EQ(*lengths.rbegin(), 512U);
}

}  // namespace
}  // namespace sockdrill::protocols
