// What every stream protocol has to keep, whatever it says.

#include "targets/protocols/handler.h"

#include <gtest/gtest.h>

#include <ostream>

#include "targets/protocols/registry.h"
#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

struct Conversation {
  std::string name;
  Protocol protocol = Protocol::echo;
  std::string input;
};
std::ostream& operator<<(std::ostream& out, const Conversation& c) { return out << c.name; }

class StreamHandlerTest : public testing::TestWithParam<Conversation> {
 protected:
  static Replayed play(Cut cut) {
    const auto handler = make_stream_handler(GetParam().protocol, 0);
    return replay(*handler, GetParam().input, cut);
  }
};

TEST_P(StreamHandlerTest, GivesTheSameOutputHoweverTheInputIsCut) {
  const std::string expected = play({.piece_bytes = 1 << 20, .room_bytes = 1 << 16}).output;
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 4096U, 4097U}) {
    EXPECT_EQ(play({.piece_bytes = piece, .room_bytes = 1 << 16}).output, expected) << piece;
  }
}

TEST_P(StreamHandlerTest, GivesTheSameOutputHoweverLittleRoomThereIs) {
  const std::string expected = play({.piece_bytes = 1 << 20, .room_bytes = 1 << 16}).output;
  for (const std::size_t room : {1U, 2U, 5U, 100U, 4096U}) {
    EXPECT_EQ(play({.piece_bytes = 1000, .room_bytes = room}).output, expected) << room;
  }
}

TEST_P(StreamHandlerTest, FinishesWhenTheInputEnds) {
  EXPECT_TRUE(play({.piece_bytes = 100, .room_bytes = 100}).is_finished);
}

TEST_P(StreamHandlerTest, LeavesWhatLiesBehindTheRoomAlone) {
  const auto handler = make_stream_handler(GetParam().protocol, 0);
  std::string room(64, '!');
  const Progress progress = handler->advance(GetParam().input, true, std::span(room).first(10));
  EXPECT_LE(progress.produced, 10U);
  EXPECT_EQ(room.substr(10), std::string(54, '!'));
}

TEST_P(StreamHandlerTest, ProducesNothingWithoutRoom) {
  const auto handler = make_stream_handler(GetParam().protocol, 0);
  EXPECT_EQ(handler->advance(GetParam().input, false, {}).produced, 0U);
}

std::string frame(std::string_view payload) {
  const std::size_t n = payload.size();
  std::string text{static_cast<char>(n >> 24), static_cast<char>(n >> 16),
                   static_cast<char>(n >> 8), static_cast<char>(n)};
  return text.append(payload);
}

INSTANTIATE_TEST_SUITE_P(
    Protocols, StreamHandlerTest,
    testing::Values(
        Conversation{"echo", Protocol::echo, pattern(5000)},
        Conversation{"discard", Protocol::discard, pattern(5000)},
        Conversation{"daytime", Protocol::daytime, "junk"},
        Conversation{"time", Protocol::time, "junk"},
        Conversation{"lines", Protocol::line, "a\nbc\r\n\n" + std::string(4096, 'x') + "\r\nrest"},
        Conversation{"line_too_long", Protocol::line, "a\n" + std::string(4097, 'x') + "\nb\n"},
        Conversation{"frames", Protocol::length_prefixed,
                     frame("a") + frame("") + frame(pattern(65536)) + frame("bc") + "\0"},
        Conversation{"frame_too_long", Protocol::length_prefixed,
                     frame("a") + std::string("\0\1\0\1rest", 8)}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sockdrill::protocols
