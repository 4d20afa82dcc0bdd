#include "harness/scenario/scenario.h"

#include <gtest/gtest.h>

#include "harness/scenario/whole_language.h"

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
  const Check check = check_of(kWholeLanguage).value();
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

TEST(WriteScenarioTest, WritesAFileWithAStepALine) {
  const Check check = check_of(kWholeLanguage).value();
  const std::string text = write_scenario_file(check.first);
  EXPECT_EQ(check_of(text).value().first, check.first);
  EXPECT_NE(text.find("\n    {\"server\":\"stop\"},\n    {\"server\":\"continue\"},\n"),
            std::string::npos);
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
