#include "harness/scenario/scenario.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

std::string around(const std::string& steps, const std::string& more = "") {
  return R"({"id": "t/x", "level": "must", "summary": "s.", )" + more + R"("steps": [)" + "\n" +
         steps + "]}";
}
Result<Check> check_of(const std::string& text) {
  return read_check(parse_document(text, "s.json").value());
}
std::string error_of(const std::string& text) {
  const Result<Check> check = check_of(text);
  return check ? "" : to_string(check.error());
}

TEST(ReadCheckTest, KeepsEveryKindOfStepThroughWritingAndReading) {
  const Check check =
      check_of(
          around(
              R"(
    {"client": "a", "connect": {"receive_buffer": 4096, "from": {"address": "127.0.0.2", "port": "again"}, "outcome": ["connected", "refused"]}},
    {"client": "d", "open": {"from": "unnamed", "broadcast": true}},
    {"client": "a", "send": {"request": 0, "first": "half", "cut": [1, 2, 5]}, "note": "n"},
    {"client": "a", "send": {"join": ["PING", {"hex": "00 ff"}, {"base64": "AAE="}, {"repeat": "x", "times": 3}, {"u16be": 7}, {"varint": 300}, {"cstr": "z"}, {"length_of": "abc", "as": "u32be"}, {"file": "f"}]}},
    {"client": "a", "send": {"pattern": "own", "bytes": 10, "until": "blocked", "meanwhile": "read", "to": "broadcast", "fails": "EACCES", "urgent": true}},
    {"client": "a", "expect": {"one_of": [{"bytes": "=sent", "then": "fin"}, {"reply": 0, "grade": "warn", "because": "x"}], "within_ms": 100}},
    {"client": "a", "expect": {"nothing": true}}, {"client": "a", "expect": {"served": true}}, {"client": "a", "expect": {"message": "=sent"}}, {"client": "a", "expect": {"at_least": 3, "then": "open"}},
    {"client": "a", "exchange": {"request": "sized", "bytes": 100, "fields": {"t": "v"}, "cut": "every-offset"}},
    {"client": "a", "shutdown": "write"}, {"client": "a", "read": {"bytes": 7}}, {"client": "a", "drain": {}}, {"client": "a", "close": "at-once"}, {"client": "a", "close": {}}, {"client": "a", "reset": {}},
    {"client": "p", "run": {"command": ["nc", "{host}", "{port}"], "input": "x", "exit": "any", "output": "=input"}},
    {"server": "settled"}, {"server": "stop"}, {"server": "continue"}, {"server": {"signal": "SIGHUP"}}, {"server": {"restart": {"with": "SIGKILL"}}}, {"server": {"second": {"says": "EADDRINUSE"}}},
    {"server": {"limit": {"descriptors": "+5"}}}, {"server": {"limit": {"descriptors": "none"}}}, {"server": {"expect": {"exit": "declared", "within_ms": 2000, "cpu": "quiet", "memory_growth": "declared", "zombies": 1}}},
    {"clients": 20, "named": "k", "at_once": 5, "each": [{"connect": {}}, {"exchange": {"request": 0}}]}, {"clients": "k", "each": [{"close": {}}]},
    {"repeat": 3, "steps": [{"client": "a", "send": "x"}]}
  )",
              R"("source": ["RFC 862"], "catalogue": "RST-01", "catches": "c", "applies": {"transport": "stream", "speaks": ["echo"], "concurrency": "concurrent", "network": "broadcast", "declares": ["max_message"]}, "each_case": "fresh-server", )"))
          .value();
  const Json written = write_scenario(check.first);
  const Check again = check_of(written.dump()).value();
  EXPECT_EQ(again.first, check.first) << written.dump(1);
  EXPECT_EQ(write_scenario(again.first), written);
}

TEST(ReadCheckTest, MakesACaseOfEachCombination) {
  const Check check =
      check_of(around(R"({"client": "a", "send": {"pattern": "$who", "bytes": "$size"}})",
                      R"("parameters": {"size": [1, 2, 3], "who": ["a", "b"]}, )"))
          .value();
  ASSERT_EQ(check.cases.size(), 6U);
  EXPECT_EQ(to_string(check.cases[5]), "size=3, who=b");
  const Scenario last = read_scenario(check.document, check.cases[5]).value();
  EXPECT_EQ(std::get<Send>(std::get<ClientStep>(last.steps[0].what).action).payload.number, 3U);
}

TEST(ReadCheckTest, LeavesOrdinaryDollarsAlone) {
  const Check check =
      check_of(around(R"({"client": "a", "send": "$5\r\n"}, {"client": "a", "send": "$$size"})"))
          .value();
  EXPECT_EQ(std::get<Send>(std::get<ClientStep>(check.first.steps[0].what).action).payload.bytes,
            "$5\r\n");
  EXPECT_EQ(std::get<Send>(std::get<ClientStep>(check.first.steps[1].what).action).payload.bytes,
            "$size");
}

TEST(WriteScenarioTest, KeepsTextThatLooksLikeAParameter) {
  const Check check =
      check_of(around(R"({"client": "a", "send": "$$size"}, {"client": "a", "send": "$$$$"})"))
          .value();
  EXPECT_EQ(check_of(write_scenario(check.first).dump()).value().first, check.first);
}

TEST(ReadCheckTest, PutsValuesIntoStepsOnly) {
  const Check check = check_of(R"({"id": "t/x", "level": "must", "summary": "$size of them",
      "parameters": {"size": [1]}, "steps": [{"client": "a", "read": {"bytes": "$size"}}],
      "source": "$size"})")
                          .value();
  EXPECT_EQ(check.first.source, std::vector<std::string>{"$size"});
}

struct Mistake {
  std::string text;
  std::string says;
};
class MistakeTest : public testing::TestWithParam<Mistake> {};
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.says; }

TEST_P(MistakeTest, IsExplained) {
  const std::string error = error_of(GetParam().text);
  EXPECT_NE(error.find(GetParam().says), std::string::npos) << error;
  EXPECT_TRUE(error.starts_with("s.json:")) << error;
}

INSTANTIATE_TEST_SUITE_P(
    All, MistakeTest,
    testing::Values(
        Mistake{around(R"({"client": "a", "conect": {}})"), "s.json:2:27: unknown key 'conect'"},
        Mistake{around(R"({"client": "a", "conect": {}})"), "did you mean 'connect'?"},
        Mistake{around(R"({"client": "a", "connect": {}, "send": "x"})"), "a step does one thing"},
        Mistake{around(R"({"cleint": "a", "connect": {}})"), "did you mean 'client'?"},
        Mistake{around(R"({"client": "a", "send": {"pattern": "a", "bytes": "many"}})"),
                "expected a whole number"},
        Mistake{around(R"({"client": "a", "send": {"pattern": "a", "bytes": "$size"}})"),
                "unknown parameter '$size'"},
        Mistake{around(R"({"client": "a", "send": "x"})", R"("parameters": {"size": [1]}, )"),
                "'size' is never used"},
        Mistake{around(""), "an array of steps, at least one"},
        Mistake{R"({"id": "t/x", "level": "must", "steps": []})", "'summary' is missing"},
        Mistake{R"({"id": "Tx", "level": "must", "summary": "s"})", "theme/name"},
        Mistake{around(R"({"client": "a", "send": {"hex": "abc"}})"), "in pairs"},
        Mistake{around(R"({"client": "a", "send": {"text": "x", "cut": "every-offset"}})"),
                "use it in \"exchange\""},
        Mistake{around(R"({"client": "a", "expect": {"bytes": "x", "nothing": true}})"),
                "keep one"},
        Mistake{around(R"({"server": "setled"})"), "did you mean 'settled'?"},
        Mistake{around(R"({"client": "a", "expect": {"one_of": []}})"), "at least one"},
        Mistake{around(R"({"server": {"signal": "SIGFOO"}})"), "SIGHUP"},
        Mistake{around(R"({"client": "a", "send": {"text": "x", "fails": "EFOO"}})"),
                "the name of an errno"},
        Mistake{around(R"({"client": "a b", "connect": {}})"), "a client's name"},
        Mistake{R"([1])", "expected a scenario"}));

}  // namespace
}  // namespace sockdrill
