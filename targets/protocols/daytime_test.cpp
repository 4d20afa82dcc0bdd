#include "targets/protocols/daytime.h"

#include <gtest/gtest.h>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

constexpr std::int64_t kMoment = 383'247'463;
constexpr std::string_view kLine = "Monday, February 22, 1982 17:37:43-UTC\r\n";

TEST(DaytimeLineTest, IsInTheFormOfTheRfc) { EXPECT_EQ(DaytimeLine(kMoment).text(), kLine); }
TEST(DaytimeLineTest, PadsTheClockButNotTheDay) {
  EXPECT_EQ(DaytimeLine(0).text(), "Thursday, January 1, 1970 00:00:00-UTC\r\n");
}
TEST(DaytimeLineTest, GoesOnAfter2038) {
  EXPECT_EQ(DaytimeLine(4'102'444'799).text(), "Thursday, December 31, 2099 23:59:59-UTC\r\n");
}
TEST(DaytimeLineTest, KnowsLeapDays) {
  EXPECT_EQ(DaytimeLine(951'782'400).text(), "Tuesday, February 29, 2000 00:00:00-UTC\r\n");
}

TEST(DaytimeStreamTest, SpeaksFirstAndThenIsFinished) {
  DaytimeStream daytime(kMoment);
  EXPECT_EQ(replay(daytime, "", {.piece_bytes = 1, .room_bytes = 10}, false),
            (Replayed{.output = std::string(kLine), .consumed = 0, .is_finished = true}));
}
TEST(DaytimeStreamTest, ThrowsAwayWhatIsSaid) {
  EXPECT_EQ(reply_to(DaytimeStream(kMoment), "what time is it?"), kLine);
}

TEST(DaytimeDatagramTest, AnswersAnyDatagramWithTheLine) {
  std::string scratch(DatagramHandler::kScratchBytes, ' ');
  EXPECT_EQ(DaytimeDatagram().answer("", kMoment, scratch), kLine);
  EXPECT_EQ(DaytimeDatagram().answer("junk", kMoment, scratch), kLine);
}

}  // namespace
}  // namespace sockdrill::protocols
