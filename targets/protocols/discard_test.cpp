#include "targets/protocols/discard.h"

#include <gtest/gtest.h>

#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

TEST(DiscardStreamTest, TakesEverythingAndSaysNothing) {
  DiscardStream discard;
  EXPECT_EQ(replay(discard, pattern(100'000), {.piece_bytes = 1000, .room_bytes = 0}),
            (Replayed{.output = "", .consumed = 100'000, .is_finished = true}));
}

TEST(DiscardDatagramTest, NeverAnswers) {
  EXPECT_EQ(DiscardDatagram().answer("hello", 0, {}), std::nullopt);
  EXPECT_EQ(DiscardDatagram().answer("", 0, {}), std::nullopt);
}

}  // namespace
}  // namespace sockdrill::protocols
