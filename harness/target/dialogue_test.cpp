#include "harness/target/dialogue.h"

#include <gtest/gtest.h>

#include "harness/base/utf8.h"

namespace sockdrill {
namespace {

using State = ReplyMatch::State;

Dialogue dialogue_of(const std::string& text) {
  const Document document = parse_document(text, "d.json").value();
  return read_dialogue(Node(document), Transport::tcp).value();
}
std::string error_of(const std::string& text) {
  const Document document = parse_document(text, "d.json").value();
  const auto dialogue = read_dialogue(Node(document), Transport::tcp);
  return dialogue ? "" : dialogue.error().message;
}

TEST(ParseTemplateTest, TurnsPlaceholdersIntoPartsAndBack) {
  const std::string text = "${length text}\r\n{text}{u32be length text}{any 4}{line}{{}}";
  EXPECT_EQ(to_string(parse_template(text).value()), text);
}

TEST(ParseTemplateTest, TakesOctetsInHexadecimal) {
  const Template parts = parse_template("a{hex 00 Ff}b").value();
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].literal, Bytes("a\0\xff"
                                    "b",
                                    4));
  EXPECT_EQ(parse_template(to_string(parts)).value(), parts);
  EXPECT_TRUE(is_utf8(to_string(parts)));
  EXPECT_FALSE(parse_template("{hex f}"));
  EXPECT_FALSE(parse_template("{hex 0g}"));
}

TEST(ParseTemplateTest, RefusesAnOpenBrace) { EXPECT_FALSE(parse_template("GET {path")); }

TEST(RenderTest, FillsFieldsAndLengthsIn) {
  EXPECT_EQ(render(parse_template("{u16be length f}{f}").value(), {{"f", "abc"}}),
            Bytes("\0\3abc", 5));
}

TEST(MatchReplyTest, AsksForMoreUntilTheReplyIsWhole) {
  const Template reply = parse_template("+PONG\r\n").value();
  EXPECT_EQ(match_reply(reply, {}, "+PO").state, State::needs_more);
  const ReplyMatch whole = match_reply(reply, {}, "+PONG\r\nmore");
  EXPECT_EQ(whole.state, State::complete);
  EXPECT_EQ(whole.taken, 7U);
}

TEST(MatchReplyTest, LocatesTheFirstWrongOctet) {
  const ReplyMatch match = match_reply(parse_template("+PONG\r\n").value(), {}, "+PING\r\n");
  EXPECT_EQ(match.state, State::mismatch);
  EXPECT_EQ(match.differs_at, 2U);
  EXPECT_EQ(match.expected, R"("ONG\r\n")");
}

TEST(MatchReplyTest, AWildcardEndsAtTheLiteralBehindIt) {
  const Template reply = parse_template("{line}\r\n").value();
  EXPECT_EQ(match_reply(reply, {}, "Tue 1\r\nX").taken, 7U);
  EXPECT_EQ(match_reply(reply, {}, "Tue 1").state, State::needs_more);
  EXPECT_EQ(match_reply(reply, {}, "\r\n").state, State::mismatch);
}

TEST(MatchReplyTest, CountsAnyOctets) {
  EXPECT_EQ(match_reply(parse_template("{any 4}").value(), {}, "abc").state, State::needs_more);
  EXPECT_EQ(match_reply(parse_template("{any 4}").value(), {}, "abcde").taken, 4U);
}

TEST(DrawFieldsTest, StaysWithinItsBoundsAndIsRepeatable) {
  const Exchange exchange{
      .request = {},
      .reply = {},
      .fields = {{.name = "t", .min_bytes = 3, .max_bytes = 5, .without = "ABC"}}};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Bytes value = draw_fields(exchange, seed)[0].second;
    EXPECT_TRUE(value.size() >= 3 && value.size() <= 5);
    EXPECT_EQ(value.find_first_of("ABC"), Bytes::npos);
    EXPECT_EQ(value, draw_fields(exchange, seed)[0].second);
  }
}

TEST(ReadDialogueTest, ReadsWhatItWrites) {
  const Dialogue dialogue = dialogue_of(
      R"({"name": "resp", "greeting": "hi\n", "framing": {"lines": "\r\n"}, "dialogue": [
    {"request": "ECHO {text}\r\n", "reply": "${length text}\r\n{text}\r\n", "text": {"bytes": [1, 4096], "without": "\r\n"}}]})");
  EXPECT_EQ(dialogue_of(write_dialogue(dialogue).dump()), dialogue);
}

TEST(ReadDialogueTest, LetsRepliesOverUdpComeFromAnotherPort) {
  const std::string text =
      R"({"name": "tftp", "replies_from": "any-port", "dialogue": [{"request": "a", "reply": "b"}]})";
  const Document document = parse_document(text, "d.json").value();
  const Dialogue dialogue = read_dialogue(Node(document), Transport::udp).value();
  EXPECT_TRUE(dialogue.replies_from_any_port);
  const Document written = parse_document(write_dialogue(dialogue).dump(), "d.json").value();
  EXPECT_EQ(read_dialogue(Node(written), Transport::udp).value(), dialogue);
  EXPECT_NE(error_of(text), "") << "a TCP connection has no other port";
}

TEST(ReadDialogueTest, RefusesAFieldThatNobodyDescribed) {
  EXPECT_NE(
      error_of(R"({"dialogue": [{"request": "{x}", "reply": ""}]})").find("'x' is not described"),
      std::string::npos);
}
TEST(ReadDialogueTest, RefusesAReplyThatRepeatsWhatWasNotSent) {
  EXPECT_NE(error_of(R"({"dialogue": [{"request": "a", "reply": "{x}"}]})")
                .find("which the request does not hold"),
            std::string::npos);
}
TEST(ReadDialogueTest, RefusesAFieldThatNoOctetIsLeftFor) {
  std::string without;
  for (char c = 0x21; c < 0x7f; ++c) without += c;
  const Json dialogue{
      {"dialogue", {{{"request", "{x}"}, {"reply", ""}, {"x", {{"without", without}}}}}}};
  EXPECT_NE(error_of(dialogue.dump()).find("leaves no octet for the field 'x'"), std::string::npos);
}
TEST(ReadDialogueTest, OffersTheProtocolThatWasMeant) {
  EXPECT_NE(error_of(R"("ecko")").find("did you mean 'echo'?"), std::string::npos);
}

TEST(BuiltInDialogueTest, KnowsThatDaytimeAnswersADatagramButAnnouncesOnAStream) {
  EXPECT_EQ(built_in_dialogue("daytime", Transport::udp)->style, Style::request_reply);
  EXPECT_EQ(built_in_dialogue("daytime", Transport::tcp)->style, Style::announce);
  EXPECT_FALSE(built_in_dialogue("daytime", Transport::tcp)->is_persistent());
}

TEST(DialogueTest, AGoodbyeAmongOtherRequestsEndsNoneOfThem) {
  Dialogue dialogue = *built_in_dialogue("line", Transport::tcp);
  dialogue.exchanges.push_back(dialogue.exchanges[0]);
  dialogue.exchanges[1].then_fin = true;
  dialogue.exchanges[1].fields[0].max_bytes *= 2;
  EXPECT_TRUE(dialogue.is_persistent());
  EXPECT_EQ(sized_field(dialogue)->exchange, 0U);
  std::swap(dialogue.exchanges[0], dialogue.exchanges[1]);
  EXPECT_FALSE(dialogue.is_persistent());
}

TEST(SizedFieldTest, PrefersTheFieldWithTheMostRoom) {
  EXPECT_EQ(sized_field(*built_in_dialogue("line", Transport::tcp))->max_bytes, 4096U);
  EXPECT_FALSE(sized_field(*built_in_dialogue("discard", Transport::tcp)));
}

}  // namespace
}  // namespace sockdrill
