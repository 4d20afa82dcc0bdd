#include "harness/fuzz/minimise.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

Target echo_over_tcp() {
  return Target{.name = "t",
                .model = "t",
                .command = {"t"},
                .speaks = built_in_dialogue("echo", Transport::tcp).value()};
}

Scenario big_scenario(const std::string& more = "") {
  const std::string text = R"({"id": "t/x", "level": "must", "summary": "s", "steps": [
    {"client": "a", "connect": {"receive_buffer": 4096}},
    {"client": "a", "send": {"pattern": "own", "bytes": 5000, "cut": [1, 2, 3]}},
    {"client": "b", "connect": {}},
    {"repeat": 9, "steps": [{"client": "b", "exchange": {"request": 0}}, {"server": "settled"}]},
    {"client": "b", "send": "0123456789abcdefX"},
    {"clients": 10, "named": "k", "each": [{"connect": {}}, {"reset": {}}]},
    {"client": "a", "reset": {}},
    {"client": "b", "close": {}}])" +
                           more + "}";
  return read_scenario(parse_document(text, "s.json").value(), {}).value();
}

bool says(const Scenario& scenario, const std::string& word) {
  return write_scenario(scenario).dump().find(word) != std::string::npos;
}

std::string steps_of(const Scenario& scenario) { return write_scenario(scenario)["steps"].dump(); }

TEST(MinimiseTest, LeavesTheStepsThatMatter) {
  const Minimised least = minimise(big_scenario(), echo_over_tcp(),
                                   [](const Scenario& s) { return says(s, "\"reset\""); });
  // Shorter than any other way to a reset; a client must be there before it can.
  EXPECT_EQ(least.scenario.steps.size(), 2U) << steps_of(least.scenario);
  EXPECT_LT(least.trials, 300U);
}

TEST(MinimiseTest, LeavesTheOctetsThatMatter) {
  const Minimised least =
      minimise(big_scenario(), echo_over_tcp(), [](const Scenario& s) { return says(s, "X"); });
  EXPECT_EQ(steps_of(least.scenario),
            R"([{"client":"b","connect":{}},{"client":"b","send":{"text":"X"}}])");
}

TEST(MinimiseTest, LeavesOutTheFaultsOfStepsOneByOne) {
  const std::string text = R"({"id": "t/x", "level": "must", "summary": "s", "steps": [
    {"client": "a", "connect": {}},
    {"server": {"from_here": {"faults": [{"call": "send", "nth": 1, "fails": "EINTR"},
                                         {"call": "send", "nth": 9, "fails": "EPIPE"}], "schedule": {"seed": 4}}}},
    {"server": {"from_here": {"faults": [{"call": "wait", "nth": 1, "fails": "EINTR"}]}}}],
    "faults": [{"call": "send", "nth": 3, "fails": "ENOMEM"}]})";
  const Minimised least =
      minimise(read_scenario(parse_document(text, "s.json").value(), {}).value(), echo_over_tcp(),
               [](const Scenario& s) { return says(s, "EPIPE"); });
  EXPECT_TRUE(least.scenario.faults.empty());
  EXPECT_EQ(steps_of(least.scenario),
            R"([{"server":{"from_here":{"faults":[{"call":"send","nth":1,"fails":"EPIPE"}]}}}])");
}

TEST(MinimiseInputsTest, LeavesThoseThatAreNeeded) {
  std::vector<Scenario> inputs(100);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i].id = "t/" + std::to_string(i);
  const auto need_two = [](const std::vector<Scenario>& some) {
    return std::count_if(some.begin(), some.end(),
                         [](const Scenario& s) { return s.id == "t/7" || s.id == "t/70"; }) == 2;
  };
  const std::vector<Scenario> least = minimise_inputs(inputs, need_two, 1000);
  ASSERT_EQ(least.size(), 2U);
  EXPECT_EQ(least[0].id, "t/7");
  EXPECT_EQ(least[1].id, "t/70");
}

TEST(MinimiseTest, FindsTheSmallestSizeThatFails) {
  const auto fails = [](const Scenario& s) {
    if (s.steps.size() < 2) return false;
    const auto* step = std::get_if<ClientStep>(&s.steps[1].what);
    const auto* send = step != nullptr ? std::get_if<Send>(&step->action) : nullptr;
    return send != nullptr && send->payload.kind == Payload::Kind::pattern &&
           send->payload.number >= 1021;
  };
  const Minimised least = minimise(big_scenario(), echo_over_tcp(), fails);
  EXPECT_EQ(
      steps_of(least.scenario),
      R"([{"client":"a","connect":{}},{"client":"a","send":{"pattern":"own","bytes":1021}}])");
  EXPECT_LT(least.trials, 100U) << "one by one they would be hundreds";
}

TEST(MinimiseTest, ShrinksFaultsAndScheduleOnTheirOwn) {
  const Scenario scenario = big_scenario(R"(, "faults": [
      {"call": "receive", "nth": 3, "fails": "EINTR"}, {"call": "send", "nth": 40, "at_most": 1},
      {"call": "accept", "nth": 1, "fails": "EMFILE"}], "schedule": {"seed": 9, "choices": [1, 2, 3]})");
  const auto fails = [](const Scenario& s) { return says(s, "at_most") && s.schedule.seed == 9; };
  const Target target = echo_over_tcp();
  Minimised least = minimise(scenario, target, Theme::faults, fails);
  EXPECT_EQ(write_faults(least.scenario.faults).dump(), R"([{"call":"send","nth":1,"at_most":1}])");
  EXPECT_EQ(least.scenario.steps, scenario.steps);
  EXPECT_EQ(least.scenario.schedule, scenario.schedule);
  least = minimise(scenario, target, Theme::schedule,
                   [](const Scenario& s) { return s.schedule.seed == 9; });
  EXPECT_EQ(write_schedule(least.scenario.schedule).dump(), R"({"seed":9})");
  least = minimise(scenario, target, Theme::schedule,
                   [](const Scenario& s) { return !s.schedule.choices.empty(); });
  EXPECT_EQ(write_schedule(least.scenario.schedule).dump(), R"({"choices":[0]})");
}

TEST(MinimiseTest, AsksNoMoreOftenThanItMay) {
  std::size_t asked = 0;
  const Minimised least = minimise(
      big_scenario(), echo_over_tcp(), [&](const Scenario&) { return ++asked, true; }, 2);
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(least.trials, 2U);
}

}  // namespace
}  // namespace sockdrill
