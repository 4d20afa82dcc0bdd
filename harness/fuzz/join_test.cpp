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
         {"clients": 2, "named": "c", "each": [{"connect": {}}]})");
  const Scenario last = scenario_with(R"({"client": "a", "connect": {}})");
  EXPECT_EQ(
      join({first, last}).steps,
      scenario_with(
          R"({"client": "a", "connect": {}}, {"client": "b", "connect": {}}, {"client": "b", "reset": {}},
                   {"clients": 2, "named": "c", "each": [{"connect": {}}]},
                   {"client": "a", "close": {}}, {"clients": "c", "each": [{"close": {}}]},
                   {"client": "fresh", "connect": {}}, {"client": "fresh", "exchange": {"request": 0}},
                   {"client": "fresh", "close": {}}, {"server": "settled"},
                   {"client": "a", "connect": {}})")
          .steps);
}

TEST(JoinTest, KeepsTheFaultsOfTheLast) {
  const std::string step = R"({"client": "a", "connect": {}})";
  const auto failing = [&](const std::string& error) {
    return scenario_with(
        step, R"(, "faults": [{"call": "accept", "nth": 1, "fails": ")" + error + R"("}])");
  };
  EXPECT_EQ(join({failing("EMFILE"), failing("EINTR")}).faults, failing("EINTR").faults);
  EXPECT_EQ(join({failing("EINTR")}), failing("EINTR"));
}

}  // namespace
}  // namespace sockdrill
