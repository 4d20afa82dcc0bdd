#include "targets/protocols/time.h"

#include <gtest/gtest.h>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

using Octets = std::array<char, 4>;

TEST(TimeOctetsTest, AreBigEndianSecondsSince1900) {
  EXPECT_EQ(time_octets(0), (Octets{'\x83', '\xaa', '\x7e', '\x80'}));  // RFC 868: 2,208,988,800.
  EXPECT_EQ(time_octets(-2'208'988'800), (Octets{0, 0, 0, 0}));
}
TEST(TimeOctetsTest, WrapIn2036) {
  EXPECT_EQ(time_octets(2'085'978'495), (Octets{'\xff', '\xff', '\xff', '\xff'}));
  EXPECT_EQ(time_octets(2'085'978'496), (Octets{0, 0, 0, 0}));
}

TEST(TimeStreamTest, SpeaksFirstAndThenIsFinished) {
  TimeStream time(0);
  EXPECT_EQ(replay(time, "", {.piece_bytes = 1, .room_bytes = 3}, false),
            (Replayed{.output = "\x83\xaa\x7e\x80", .consumed = 0, .is_finished = true}));
}
TEST(TimeStreamTest, ThrowsAwayWhatIsSaid) {
  EXPECT_EQ(reply_to(TimeStream(0), "junk"), "\x83\xaa\x7e\x80");
}

TEST(TimeDatagramTest, AnswersAnEmptyDatagram) {
  std::string scratch(4, ' ');
  EXPECT_EQ(TimeDatagram().answer("", 0, scratch), "\x83\xaa\x7e\x80");
}

}  // namespace
}  // namespace sockdrill::protocols
