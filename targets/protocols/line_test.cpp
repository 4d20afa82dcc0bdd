#include "targets/protocols/line.h"

#include <gtest/gtest.h>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

const std::string kFull(4096, 'x');

TEST(LineStreamTest, AnswersEachLine) {
  EXPECT_EQ(reply_to(LineStream(), "a\nb c\n"), "ok a\nok b c\n");
}
TEST(LineStreamTest, DropsTheCarriageReturnOfTheTerminatorOnly) {
  EXPECT_EQ(reply_to(LineStream(), "a\r\nb\rc\r\r\n\r\n"), "ok a\nok b\rc\r\nok \n");
}
TEST(LineStreamTest, AnswersAnEmptyLine) { EXPECT_EQ(reply_to(LineStream(), "\n"), "ok \n"); }
TEST(LineStreamTest, TakesNulAndHighBytesForOrdinary) {
  EXPECT_EQ(reply_to(LineStream(), std::string("\0\xff\xfe\n", 4)),
            std::string("ok \0\xff\xfe\n", 7));
}
TEST(LineStreamTest, DropsAnUnterminatedLastLine) {
  EXPECT_EQ(reply_to(LineStream(), "a\nb"), "ok a\n");
}
TEST(LineStreamTest, AnswersALineOfFullLength) {
  EXPECT_EQ(reply_to(LineStream(), kFull + "\n"), "ok " + kFull + "\n");
  EXPECT_EQ(reply_to(LineStream(), kFull + "\r\n"), "ok " + kFull + "\n");
}
TEST(LineStreamTest, EndsAfterALineThatIsTooLong) {
  EXPECT_EQ(reply_to(LineStream(), "a\n" + kFull + "x\nb\n"), "ok a\nerror line too long\n");
  EXPECT_EQ(reply_to(LineStream(), kFull + "\rx\n"), "error line too long\n");
}
TEST(LineStreamTest, DoesNotWaitForTheEndOfALineThatIsTooLong) {
  LineStream line;
  EXPECT_TRUE(replay(line, kFull + "x", {.piece_bytes = 1, .room_bytes = 8}, false).is_finished);
}
TEST(LineStreamTest, WaitsForTheByteAfterAFullLineAndCarriageReturn) {
  LineStream line;
  EXPECT_EQ(replay(line, kFull + "\r", {.piece_bytes = 9, .room_bytes = 8}, false).output, "");
  EXPECT_EQ(replay(line, "\n", {.piece_bytes = 9, .room_bytes = 8}).output, "ok " + kFull + "\n");
}
TEST(LineStreamTest, TakesNothingWhileItCannotAnswer) {
  LineStream line;
  EXPECT_EQ(line.advance("a\nb\n", false, {}), Progress{});
}

std::optional<std::string> answer(std::string_view request) {
  std::string scratch(DatagramHandler::kScratchBytes, ' ');
  const auto reply = LineDatagram().answer(request, 0, scratch);
  return reply ? std::optional<std::string>(*reply) : std::nullopt;
}

TEST(LineDatagramTest, TakesADatagramForALine) {
  EXPECT_EQ(answer("a"), "ok a\n");
  EXPECT_EQ(answer("a\n"), "ok a\n");
  EXPECT_EQ(answer("a\r\n"), "ok a\n");
  EXPECT_EQ(answer(""), "ok \n");
}
TEST(LineDatagramTest, RefusesATextThatIsTooLong) {
  EXPECT_EQ(answer(kFull + "\r\n"), "ok " + kFull + "\n");
  EXPECT_EQ(answer(kFull + "x"), "error line too long\n");
}

}  // namespace
}  // namespace sockdrill::protocols
