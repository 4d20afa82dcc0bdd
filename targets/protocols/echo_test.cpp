#include "targets/protocols/echo.h"

#include <gtest/gtest.h>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

TEST(EchoStreamTest, ReturnsEveryByteValue) {
  const std::string all = pattern(1024);
  EXPECT_EQ(reply_to(EchoStream(), all), all);
}
TEST(EchoStreamTest, TakesNoMoreThanItCanReturn) {
  EchoStream echo;
  std::string room(3, ' ');
  EXPECT_EQ(echo.advance("hello", false, room), (Progress{.consumed = 3, .produced = 3}));
  EXPECT_EQ(room, "hel");
}
TEST(EchoStreamTest, StillOwesTheRestWhenTheInputHasEnded) {
  EchoStream echo;
  std::string room(3, ' ');
  echo.advance("hello", true, room);
  EXPECT_FALSE(echo.is_finished());
  echo.advance("lo", true, room);
  EXPECT_TRUE(echo.is_finished());
}
TEST(EchoStreamTest, DoesNotEndByItself) {
  EchoStream echo;
  EXPECT_FALSE(replay(echo, "hello", {.piece_bytes = 5, .room_bytes = 9}, false).is_finished);
}

TEST(EchoDatagramTest, ReturnsTheDatagram) {
  const std::string large = pattern(65507);
  EXPECT_EQ(EchoDatagram().answer(large, 0, {}), large);
}
TEST(EchoDatagramTest, AnswersAnEmptyDatagramByAnEmptyOne) {
  EXPECT_EQ(EchoDatagram().answer("", 0, {}), "");
}

}  // namespace
}  // namespace sockdrill::protocols
