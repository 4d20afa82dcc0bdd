#include "harness/target/conversation.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Exchange exchange_of(const std::string& request, const std::string& fields) {
  const std::string text =
      R"({"dialogue": [{"request": ")" + request + R"(", "reply": "", )" + fields + "}]}";
  const Document document = parse_document(text, "d.json").value();
  return read_dialogue(Node(document), Transport::tcp).value().exchanges.front();
}

/// "complete 5", "needs_more", "mismatch".
std::string match(const Exchange& exchange, std::string_view sent, bool is_whole = false) {
  const RequestMatch found = match_request(exchange, sent, is_whole);
  if (found.state == RequestMatch::State::complete)
    return "complete " + std::to_string(found.taken);
  return found.state == RequestMatch::State::needs_more ? "needs_more" : "mismatch";
}

TEST(MatchRequestTest, FindsFieldsByWhatFollowsThem) {
  const Exchange exchange = exchange_of("SET {x}={y}\\n", R"("x": {"bytes": [1, 3]}, "y": {})");
  EXPECT_EQ(match(exchange, "SET a=b\nSET"), "complete 8");
  EXPECT_EQ(match(exchange, "SET a=b"), "needs_more");
  EXPECT_EQ(match(exchange, "SE"), "needs_more");
  EXPECT_EQ(match(exchange, "GET"), "mismatch");
  EXPECT_EQ(match(exchange, "SET long=b\n"), "mismatch");
  EXPECT_EQ(match(exchange, "SET lon"), "needs_more");
  EXPECT_EQ(match(exchange, "SET long"), "mismatch") << "a server may say so before the end";
  EXPECT_EQ(match(exchange, "SET \x01"), "mismatch");
}

TEST(MatchRequestTest, KnowsTheBeginningOfWhatFollowsAField) {
  const Exchange exchange =
      exchange_of("GET /{x} HTTP/1.1\\n", R"("x": {"bytes": [0, 9], "without": "/"})");
  for (const char* begun : {"GET /", "GET /ab", "GET /ab ", "GET /ab HTTP/", "GET / HTTP/1.1"})
    EXPECT_EQ(match(exchange, begun), "needs_more") << begun;
  EXPECT_EQ(match(exchange, "GET / /"), "mismatch") << "a server may say so at once";
  EXPECT_EQ(match(exchange, "GET /a/"), "mismatch");
}

TEST(MatchRequestTest, FindsFieldsByTheirLength) {
  const Exchange decimal = exchange_of("{length x}:{x}", R"("x": {"bytes": [0, 20]})");
  EXPECT_EQ(match(decimal, "3:abcd"), "complete 5");
  EXPECT_EQ(match(decimal, "11:abc"), "needs_more");
  EXPECT_EQ(match(decimal, "03:abc"), "mismatch");
  EXPECT_EQ(match(decimal, "21:"), "mismatch");
  const Exchange binary = exchange_of("{u16be length x}{x}", R"("x": {"bytes": [0, 300]})");
  EXPECT_EQ(match(binary, std::string_view("\0\2abc", 5)), "complete 4");
  EXPECT_EQ(match(binary, std::string_view("\2\0", 2)), "mismatch");
}

TEST(MatchRequestTest, TakesAWholeMessage) {
  const Exchange exchange = exchange_of("{x}", R"("x": {"bytes": [0, 3]})");
  EXPECT_EQ(match(exchange, "", true), "complete 0");
  EXPECT_EQ(match(exchange, "abc", true), "complete 3");
  EXPECT_EQ(match(exchange, "abcd", true), "mismatch");
  EXPECT_EQ(match(exchange, "abc"), "mismatch") << "where does it end in a stream?";
}

class ConversationTest : public testing::Test {
 protected:
  Dialogue line = *built_in_dialogue("line", Transport::tcp);
  Conversation conversation{line, Transport::tcp};

  /// Whether it is what had to come.
  bool hear(std::string_view octets, bool may_be_missing = false) {
    return !conversation.note_received(octets, may_be_missing);
  }
};

TEST_F(ConversationTest, RepliesComeInTheOrderOfTheirRequests) {
  conversation.note_sent("a");
  conversation.note_sent("\nb\n");
  EXPECT_EQ(conversation.owed(), 2U);
  conversation.note_sent("c");
  EXPECT_EQ(conversation.owed(), 0U) << "they may wait for the rest";
  EXPECT_TRUE(hear("ok a\no"));
  EXPECT_TRUE(hear("k b\n"));
  EXPECT_EQ(conversation.owed(), 0U);
}

TEST_F(ConversationTest, HearsOfRepliesInAnotherOrder) {
  conversation.note_sent("a\nb\n");
  EXPECT_FALSE(hear("ok b\nok a\n"));
}

TEST_F(ConversationTest, HearsOfAReplyTooMany) {
  conversation.note_sent("a\n");
  EXPECT_FALSE(hear("ok a\nok a\n"));
}

TEST_F(ConversationTest, HearsOfARequestThatIsNotThereYet) {
  conversation.note_sent("a");
  EXPECT_FALSE(hear("ok a\n"));
}

TEST_F(ConversationTest, MissesWholeRepliesOnlyWhenTheyMayBeLost) {
  conversation.note_sent("a\nb\nc\n");
  EXPECT_TRUE(hear("ok b\n", true));
  EXPECT_EQ(conversation.owed(), 1U);
  EXPECT_FALSE(hear("ok d\n", true));
}

TEST_F(ConversationTest, DoesNotSayHowLongAServerGoesOn) {
  for (int i = 0; i < 101; ++i) conversation.note_sent("a\n");
  EXPECT_EQ(conversation.owed(), 0U);
}

TEST_F(ConversationTest, KnowsNothingAfterWhatIsNoRequest) {
  conversation.note_sent(std::string(5000, 'x') + "\n");
  EXPECT_EQ(conversation.owed(), 0U);
  EXPECT_TRUE(hear("error line too long\n"));
}

TEST(ConversationOfStreamsTest, AServerMaySeeAnEndWhereTheDialogueSeesNone) {
  Dialogue dialogue = *built_in_dialogue("line", Transport::tcp);
  dialogue.exchanges.front().request.back().literal = "\r\n";
  Conversation conversation(dialogue, Transport::tcp);
  conversation.note_sent("a\n");
  EXPECT_FALSE(conversation.note_received("error\n", false));
}

TEST(ConversationOfMessagesTest, EachIsWhole) {
  const Dialogue dialogue = *built_in_dialogue("daytime", Transport::udp);
  Conversation conversation(dialogue, Transport::udp);
  conversation.note_sent("");
  conversation.note_sent("now?");
  EXPECT_EQ(conversation.owed(), 2U);
  EXPECT_FALSE(conversation.note_received("noon\r\n", false));
  EXPECT_TRUE(conversation.note_received("noon", false));
}

TEST(ConversationOfStylesTest, AServerThatAnnouncesSaysOneThing) {
  const Dialogue dialogue = *built_in_dialogue("time", Transport::tcp);
  Conversation conversation(dialogue, Transport::tcp);
  conversation.note_sent("whatever");
  EXPECT_EQ(conversation.owed(), 1U);
  EXPECT_FALSE(conversation.note_received("1234", false));
  EXPECT_TRUE(conversation.note_received("5", false));
}

TEST(ConversationOfStylesTest, ASinkSaysNothing) {
  const Dialogue dialogue = *built_in_dialogue("discard", Transport::tcp);
  Conversation conversation(dialogue, Transport::tcp);
  conversation.note_sent("a");
  EXPECT_EQ(conversation.owed(), 0U);
  EXPECT_TRUE(conversation.note_received("a", false));
}

}  // namespace
}  // namespace sockdrill
