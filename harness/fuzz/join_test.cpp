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
      join({first, last}, Transport::tcp).steps,
      scenario_with(
          R"({"client": "a", "connect": {}}, {"client": "b", "connect": {}}, {"client": "b", "reset": {}},
                   {"repeat": 1, "steps": [{"client": "d", "connect": {}}]},
                   {"clients": 2, "named": "e", "each": [{"connect": {}}, {"reset": {}}]},
                   {"clients": 2, "named": "c", "each": [{"connect": {}}]},
                   {"server": "settled"},
                   {"client": "a", "shutdown": "write"}, {"client": "d", "shutdown": "write"},
                   {"clients": "c", "each": [{"shutdown": "write"}]},
                   {"client": "a", "close": {}}, {"client": "d", "close": {}}, {"clients": "c", "each": [{"close": {}}]},
                   {"server": "settled"}, {"client": "fresh", "connect": {}}, {"client": "fresh", "exchange": {"request": 0}},
                   {"client": "fresh", "close": {}}, {"server": "settled"}, {"server": "settled"},
                   {"client": "a", "connect": {}})")
          .steps);
}

TEST(JoinTest, TellsCrowdsFromClientsOfTheirName) {
  const Scenario crowd =
      scenario_with(R"({"clients": 2, "named": "c", "each": [{"connect": {}}, {"reset": {}}]})");
  const Scenario client = scenario_with(
      R"({"client": "c", "connect": {}}, {"clients": 2, "named": "d", "each": [{"connect": {}}, {"reset": {}}]})");
  const std::vector<Step> steps = join({crowd, client}, Transport::tcp).steps;
  EXPECT_EQ(std::get<CrowdStep>(steps.front().what).name, "c-crowd");
  EXPECT_EQ(std::get<CrowdStep>(steps.back().what).name, "d");
}

TEST(JoinTest, OpensThoseWhoComeAgain) {
  const Scenario datagram = scenario_with(R"({"client": "a", "send": "x"})");
  const std::string settled = R"({"server": "settled"}, )";
  EXPECT_EQ(
      join({datagram, datagram}, Transport::udp).steps,
      scenario_with(
          R"({"client": "a", "send": "x"}, )" + settled + R"({"client": "a", "close": {}}, )" +
          settled +
          R"({"client": "fresh", "connect": {}}, {"client": "fresh", "exchange": {"request": 0}},
                       {"client": "fresh", "close": {}}, )" +
          settled + settled + R"({"client": "a", "open": {}}, {"client": "a", "send": "x"})")
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
         {"client": "fresh", "close": {}}, {"server": "settled"}, {"server": "settled"})";
  const Scenario joined =
      join({failing("EMFILE"), scenario_with(kStep), failing("EINTR")}, Transport::tcp);
  EXPECT_EQ(joined.faults, failing("EMFILE").faults);
  EXPECT_EQ(
      joined.steps,
      scenario_with(
          kStep + R"(, {"server": "settled"}, {"server": {"from_here": {}}}, )" + probe + ", " +
          kStep + R"(, {"server": "settled"}, )" + probe +
          R"(, {"server": {"from_here": {"faults": [{"call": "accept", "nth": 1, "fails": "EINTR"}]}}}, )" +
          kStep)
          .steps);
}

TEST(JoinTest, LeavesOneAsItIs) {
  EXPECT_EQ(join({failing("EINTR")}, Transport::tcp), failing("EINTR"));
}

}  // namespace
}  // namespace sockdrill
