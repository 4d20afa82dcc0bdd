#include "harness/fuzz/join.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Scenario scenario_with(const std::string& steps, const std::string& more = "") {
  const std::string text =
      R"({"id": "a/b", "level": "must", "summary": "s", "steps": [)" + steps + "]" + more + "}";
  return read_scenario(parse_document(text, "steps.json").value(), {}).value();
}

TEST(JoinTest, LetsTheClientsOfEachGoBeforeTheNext) {
  const Scenario first = scenario_with(
      R"({"client": "a", "connect": {}}, {"client": "b", "connect": {}}, {"client": "b", "reset": {}},
         {"repeat": 1, "steps": [{"client": "d", "connect": {}}]},
         {"clients": 2, "named": "e", "each": [{"connect": {}}, {"reset": {}}]},
         {"clients": 2, "named": "c", "each": [{"connect": {}}]})");
  const Scenario last = scenario_with(R"({"client": "a", "connect": {}})");
  EXPECT_EQ(
      join({first, last}).steps,
      scenario_with(
          R"({"client": "a", "connect": {}}, {"client": "b", "connect": {}}, {"client": "b", "reset": {}},
                   {"repeat": 1, "steps": [{"client": "d", "connect": {}}]},
                   {"clients": 2, "named": "e", "each": [{"connect": {}}, {"reset": {}}]},
                   {"clients": 2, "named": "c", "each": [{"connect": {}}]},
                   {"client": "a", "close": {}}, {"client": "d", "close": {}}, {"clients": "c", "each": [{"close": {}}]},
                   {"client": "fresh", "connect": {}}, {"client": "fresh", "exchange": {"request": 0}},
                   {"client": "fresh", "close": {}}, {"server": "settled"},
                   {"client": "a", "connect": {}})")
          .steps);
}

const std::string kStep = R"({"client": "a", "reset": {}})";

Scenario failing(const std::string& error) {
  return scenario_with(
      kStep, R"(, "faults": [{"call": "accept", "nth": 1, "fails": ")" + error + R"("}])");
}

TEST(JoinTest, GivesEachPartItsFaults) {
  const std::string probe =
      R"({"client": "fresh", "connect": {}}, {"client": "fresh", "exchange": {"request": 0}},
         {"client": "fresh", "close": {}}, {"server": "settled"})";
  const Scenario joined = join({failing("EMFILE"), scenario_with(kStep), failing("EINTR")});
  EXPECT_EQ(joined.faults, failing("EMFILE").faults);
  EXPECT_EQ(
      joined.steps,
      scenario_with(
          kStep + R"(, {"server": "settled"}, {"server": {"from_here": {}}}, )" + probe + ", " +
          kStep + ", " + probe +
          R"(, {"server": {"from_here": {"faults": [{"call": "accept", "nth": 1, "fails": "EINTR"}]}}}, )" +
          kStep)
          .steps);
}

TEST(JoinTest, LeavesOneAsItIs) { EXPECT_EQ(join({failing("EINTR")}), failing("EINTR")); }

}  // namespace
}  // namespace sockdrill
