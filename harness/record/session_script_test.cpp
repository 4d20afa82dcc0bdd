#include "harness/record/session_script.h"

#include <gtest/gtest.h>

#include "harness/plan/plan.h"

namespace sockdrill {
namespace {

using enum SessionEvent::Kind;

SessionScript script_of(const std::vector<SessionEvent>& events,
                        Transport transport = Transport::tcp, const Template& greeting = {}) {
  SessionScript script(transport, greeting);
  for (const SessionEvent& event : events) script.add(event);
  return script;
}

/// A step a line, once it is sure that the file can be read and played.
std::string steps_of(const SessionScript& script) {
  const Scenario scenario = script.scenario("recorded/test", "");
  Result<Document> document = parse_document(write_scenario_file(scenario), "test.json");
  if (!document) return to_string(document.error());
  const Result<Check> check = read_check(std::move(*document));
  if (!check) return to_string(check.error());
  if (const Result<void> good = check_steps(*check); !good) return to_string(good.error());
  EXPECT_EQ(check->first, scenario);
  std::string lines;
  const Json json = write_scenario(scenario);
  for (const Json& step : json["steps"]) lines += step.dump() + "\n";
  return lines;
}

TEST(SessionScriptTest, AnAnswerIsWhatCameBeforeTheClientSpokeAgain) {
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""},
                                {client_sent, 0, "one\n"},
                                {server_sent, 0, "o"},
                                {server_sent, 0, "k\n"},
                                {client_sent, 0, "two\n"},
                                {server_sent, 0, "ok\n"}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"send\":{\"text\":\"one\\n\"}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"ok\\n\"}}}\n"
            "{\"client\":\"a\",\"send\":{\"text\":\"two\\n\"}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"ok\\n\"}}}\n");
}

TEST(SessionScriptTest, WhatAClientSentInPiecesStaysInPieces) {
  EXPECT_EQ(
      steps_of(script_of({{connected, 0, ""}, {client_sent, 0, "on"}, {client_sent, 0, "e\n"}})),
      "{\"client\":\"a\",\"connect\":{}}\n"
      "{\"client\":\"a\",\"send\":{\"text\":\"on\"}}\n"
      "{\"server\":\"settled\"}\n"
      "{\"client\":\"a\",\"send\":{\"text\":\"e\\n\"}}\n");
}

TEST(SessionScriptTest, AnAnswerToOneClientStandsBeforeWhatAnotherDoesNext) {
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""},
                                {connected, 1, ""},
                                {client_sent, 0, "set"},
                                {server_sent, 0, "ok"},
                                {client_sent, 1, "get"},
                                {server_sent, 1, "it"}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"b\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"send\":{\"text\":\"set\"}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"ok\"}}}\n"
            "{\"client\":\"b\",\"send\":{\"text\":\"get\"}}\n"
            "{\"client\":\"b\",\"expect\":{\"bytes\":{\"text\":\"it\"}}}\n");
}

TEST(SessionScriptTest, AHalfCloseIsFollowedByTheRestAndTheEnd) {
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""},
                                {client_ended, 0, ""},
                                {server_sent, 0, "bye"},
                                {server_ended, 0, ""}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"shutdown\":\"write\"}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"bye\"},\"then\":\"fin\"}}\n"
            "{\"client\":\"a\",\"close\":{}}\n");
}

TEST(SessionScriptTest, AServerThatEndsFirstIsClosedByItsClient) {
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""}, {server_ended, 0, ""}, {client_ended, 0, ""}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"\"},\"then\":\"fin\"}}\n"
            "{\"client\":\"a\",\"close\":{}}\n");
}

TEST(SessionScriptTest, ResetsOfEitherSideAreResets) {
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""},
                                {connected, 1, ""},
                                {client_sent, 0, "x"},
                                {server_reset, 0, ""},
                                {client_reset, 1, ""}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"b\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"send\":{\"text\":\"x\"}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"\"},\"then\":\"reset\"}}\n"
            "{\"client\":\"a\",\"close\":{}}\n"
            "{\"client\":\"b\",\"reset\":{}}\n");
}

TEST(SessionScriptTest, AResetBehindTheServersEndIsNoSecondEnd) {
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""}, {server_ended, 0, ""}, {server_reset, 0, ""}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"\"},\"then\":\"fin\"}}\n"
            "{\"client\":\"a\",\"close\":{}}\n");
}

TEST(SessionScriptTest, EachDatagramIsAMessage) {
  EXPECT_EQ(steps_of(script_of({{client_sent, 0, "q"},
                                {server_sent, 0, "1"},
                                {server_sent, 0, ""},
                                {client_sent, 1, ""}},
                               Transport::udp)),
            "{\"client\":\"a\",\"send\":{\"text\":\"q\"}}\n"
            "{\"client\":\"a\",\"expect\":{\"message\":{\"text\":\"1\"}}}\n"
            "{\"client\":\"a\",\"expect\":{\"message\":{\"text\":\"\"}}}\n"
            "{\"client\":\"b\",\"send\":{\"text\":\"\"}}\n");
}

TEST(SessionScriptTest, TheGreetingOfADialogueIsPartOfTheConnect) {
  const Template greeting = parse_template("hello {line}\n").value();
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""},
                                {server_sent, 0, "hello "},
                                {server_sent, 0, "you\nand more"},
                                {connected, 1, ""},
                                {server_sent, 1, "go away"}},
                               Transport::tcp, greeting)),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"expect\":{\"bytes\":{\"text\":\"and more\"}}}\n"
            "{\"client\":\"b\",\"connect\":{}}\n"
            "{\"client\":\"b\",\"expect\":{\"bytes\":{\"text\":\"go away\"}}}\n");
}

TEST(SessionScriptTest, WhatPeopleCannotReadIsHexadecimal) {
  EXPECT_EQ(payload_of("a\tb\r\n\xc3\xa4").kind, Payload::Kind::text);
  for (const char* octets : {"\x1b[0m", "\x7f", "\xff", "\xc2\x85", "\xc3"})
    EXPECT_EQ(payload_of(octets).kind, Payload::Kind::hex);
  EXPECT_EQ(payload_of(Bytes(1, '\0')).kind, Payload::Kind::hex);
}

TEST(SessionScriptTest, TextThatLooksLikeALanguageWordStaysText) {
  EXPECT_EQ(script_of({{connected, 0, ""}, {client_sent, 0, "$size"}, {server_sent, 0, "=sent"}})
                .scenario("recorded/test", "")
                .steps.size(),
            3U);
  EXPECT_EQ(steps_of(script_of({{connected, 0, ""}, {client_sent, 0, "$size"}})),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"a\",\"send\":{\"text\":\"$$size\"}}\n");
}

TEST(SessionScriptTest, OfAVeryLongAnswerTheLengthIsKept) {
  SessionScript script = script_of({{connected, 0, ""}, {connected, 1, ""}});
  for (int i = 0; i < 100; ++i) script.add({server_sent, 0, Bytes(100'000, 'x')});
  script.add({client_sent, 1, "meanwhile"});  // does not take it apart
  script.add({server_sent, 0, "y"});
  script.add({server_ended, 0, ""});
  EXPECT_EQ(script.shortened(), 1U);
  EXPECT_FALSE(script.is_full());
  EXPECT_EQ(steps_of(script),
            "{\"client\":\"a\",\"connect\":{}}\n"
            "{\"client\":\"b\",\"connect\":{}}\n"
            "{\"client\":\"b\",\"send\":{\"text\":\"meanwhile\"}}\n"
            "{\"client\":\"a\",\"expect\":{\"at_least\":10000001,\"then\":\"fin\"}}\n");
}

TEST(SessionScriptTest, WhatIsRecordedFitsIntoAFile) {
  SessionScript script = script_of({{connected, 0, ""}});
  int taken = 0;
  for (; !script.is_full(); ++taken) script.add({client_sent, 0, Bytes(30'000, '\n')});
  EXPECT_GT(taken, 60);
  EXPECT_LT(taken, 80);
  EXPECT_EQ(steps_of(script).find("{\"client\":\"a\",\"connect\":{}}\n"), 0U);
}

TEST(SessionScriptTest, TheIdIsNamedAfterTheFile) {
  EXPECT_EQ(recorded_id("/tmp/Login 2.json"), "recorded/login-2");
  EXPECT_EQ(recorded_id("x"), "recorded/x");
  EXPECT_LT(recorded_id(std::string(300, 'x')).size(), 100U);
}

}  // namespace
}  // namespace sockdrill
