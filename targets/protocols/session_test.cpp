#include "targets/protocols/session.h"

#include <gtest/gtest.h>

#include "targets/protocols/registry.h"
#include "targets/protocols/replay.h"

namespace sockdrill::protocols {
namespace {

/// Delivers what the session has room for, as recv() would, and says how much that was.
std::size_t deliver(Session& session, std::string_view input) {
  const std::size_t length = copy_some(input, session.input_room());
  session.add_input(length);
  return length;
}

std::string take(Session& session, std::size_t most = Session::kBufferBytes) {
  std::string taken(session.output().substr(0, most));
  session.drop_output(taken.size());
  return taken;
}

Session session_for(Protocol protocol) { return Session(make_stream_handler(protocol, 0)); }

TEST(SessionTest, SpeaksFirstWhereTheProtocolDoes) {
  EXPECT_EQ(session_for(Protocol::echo).output(), "");
  EXPECT_EQ(session_for(Protocol::time).output(), "\x83\xaa\x7e\x80");
}
TEST(SessionTest, StopsReadingFromAClientThatTakesNothing) {
  Session session = session_for(Protocol::echo);
  std::size_t delivered = 0;
  while (!session.input_room().empty()) delivered += deliver(session, pattern(1000));
  EXPECT_EQ(delivered, 2 * Session::kBufferBytes);
  EXPECT_EQ(session.output().size(), Session::kBufferBytes);
}
TEST(SessionTest, ReadsAgainWhenTheClientTakes) {
  Session session = session_for(Protocol::echo);
  while (!session.input_room().empty()) deliver(session, pattern(1000));
  take(session);
  EXPECT_FALSE(session.input_room().empty());
}
TEST(SessionTest, KeepsTheBytesInOrderThroughFullBuffers) {
  Session session = session_for(Protocol::echo);
  const std::string input = pattern(300'000);
  std::string output;
  for (std::size_t sent = 0, turn = 0; output.size() < input.size(); ++turn) {
    sent += deliver(session, std::string_view(input).substr(sent, 1 + turn * 37 % 9000));
    output += take(session, 1 + turn * 53 % 7000);
  }
  EXPECT_EQ(output, input);
}
TEST(SessionTest, OwesItsRepliesAfterTheClientHasEnded) {
  Session session = session_for(Protocol::echo);
  deliver(session, "hello");
  session.end_input();
  EXPECT_TRUE(session.input_room().empty());
  EXPECT_FALSE(session.is_finished());
  EXPECT_EQ(take(session), "hello");
  EXPECT_TRUE(session.is_finished());
}
TEST(SessionTest, ReadsNothingMoreWhenTheServerIsToClose) {
  Session session = session_for(Protocol::daytime);
  EXPECT_TRUE(session.input_room().empty());
  EXPECT_FALSE(session.is_finished());
  take(session);
  EXPECT_TRUE(session.is_finished());
}
TEST(SessionTest, GeneratesAsFastAsTheClientTakesAndNoFaster) {
  Session session = session_for(Protocol::chargen);
  EXPECT_EQ(session.output().size(), Session::kBufferBytes);
  EXPECT_EQ(take(session, 10'000).size(), 10'000U);
  EXPECT_GT(session.output().size(), Session::kBufferBytes / 2);
}

}  // namespace
}  // namespace sockdrill::protocols
