#include "harness/plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sockdrill {
namespace {

Check check_of(const std::string& steps, const std::string& more = "") {
  return read_check(parse_document(R"({"id": "t/x", "level": "must", "summary": "s.", )" + more +
                                       R"("steps": [)" + steps + "]}",
                                   "s.json")
                        .value())
      .value();
}
Target target_speaking(const std::string& name, Transport transport = Transport::tcp) {
  return Target{.name = "t",
                .model = "t",
                .command = {"t"},
                .transport = transport,
                .speaks = built_in_dialogue(name, transport).value()};
}
Plan plan_of(const std::string& steps, const Target& target, const std::string& more = "") {
  return make_plan(check_of(steps, more), target, {}).value();
}
std::string error_of(const std::string& steps, const std::string& more = "") {
  const auto plan = make_plan(check_of(steps, more), target_speaking("echo"), {});
  return plan ? "" : to_string(plan.error());
}
const PlannedAction& action(const Plan& plan, std::size_t block) {
  return plan.cases.at(0).blocks.at(block).scripts.at(0).at(0).action;
}

TEST(MakePlanTest, TakesAnExchangeApart) {
  const Plan plan =
      plan_of(R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"request": 0}})",
              target_speaking("line"));
  ASSERT_EQ(plan.cases[0].blocks.size(), 3U);
  const auto& send = std::get<PlannedSend>(action(plan, 1));
  const auto& expect = std::get<PlannedExpect>(action(plan, 2));
  EXPECT_EQ("ok " + send.content.copy(0, 1000),
            render(expect.one_of[0].reply, expect.one_of[0].values));
}

TEST(MakePlanTest, PlansAScenarioThatStandsInNoFile) {
  const Check check =
      check_of(R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"request": 0}})");
  const Plan plan = make_plan(check.first, target_speaking("echo"), PlanOptions{}).value();
  EXPECT_EQ(plan.cases.at(0).blocks.size(), 3U);
  Scenario impossible = check.first;
  std::swap(impossible.steps[0], impossible.steps[1]);
  EXPECT_FALSE(make_plan(impossible, target_speaking("echo"), PlanOptions{}));
}

TEST(DescribePlanTest, PutsStepsInWordsThatWereLeftOut) {
  const Check check =
      check_of(R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"request": 0}})");
  Plan plan = make_plan(check.first, target_speaking("echo"), PlanOptions{}).value();
  const auto is_said = [](const PlannedStep* step) { return !step->text.empty(); };
  EXPECT_FALSE(std::ranges::all_of(steps_of(plan), is_said));
  describe_steps(plan);
  EXPECT_TRUE(std::ranges::all_of(steps_of(plan), is_said));
}

TEST(DescribePlanTest, SaysThatFaultsAreForTheSimulatedWorld) {
  const std::string step = R"({"client": "a", "connect": {}})";
  const std::string faults = R"("faults": [{"call": "accept", "nth": 1, "fails": "EINTR"}], )";
  const Target target = target_speaking("echo");
  EXPECT_NE(describe(plan_of(step, target, faults)).find("--world simulated"), std::string::npos);
  EXPECT_EQ(describe(plan_of(step, target)).find("--world simulated"), std::string::npos);
}

TEST(MakePlanTest, AsksNothingOfAServerThatAnnounces) {
  const Plan plan =
      plan_of(R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"request": 0}})",
              target_speaking("daytime"));
  ASSERT_EQ(plan.cases[0].blocks.size(), 2U);
  EXPECT_EQ(std::get<PlannedExpect>(action(plan, 1)).one_of[0].then, Then::fin);
}

TEST(MakePlanTest, GoesOnWithAClientsPatternWhereItStopped) {
  const Plan plan = plan_of(
      R"({"client": "a", "connect": {}}, {"client": "a", "send": {"pattern": "own", "bytes": 100}}, {"client": "a", "send": {"pattern": "own", "bytes": 100}})",
      target_speaking("echo"));
  EXPECT_EQ(std::get<PlannedSend>(action(plan, 2)).content, Content::pattern("a___", 100, 100));
}

TEST(MakePlanTest, SendsTheSecondHalfOfTheSameRequest) {
  const Plan plan = plan_of(
      R"({"client": "a", "connect": {}}, {"client": "a", "send": {"request": 0, "first": "half"}}, {"client": "a", "send": {"request": 0, "after": "half"}}, {"client": "a", "expect": {"reply": 0}})",
      target_speaking("line"));
  const Bytes whole = std::get<PlannedSend>(action(plan, 1)).content.copy(0, 999) +
                      std::get<PlannedSend>(action(plan, 2)).content.copy(0, 999);
  const PlannedOutcome& outcome = std::get<PlannedExpect>(action(plan, 3)).one_of[0];
  EXPECT_EQ("ok " + whole, render(outcome.reply, outcome.values));
}

TEST(MakePlanTest, CutsAnExchangeAtEveryOffset) {
  const Plan plan = plan_of(
      R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"text": "abcd", "cut": "every-offset"}})",
      target_speaking("echo"));
  ASSERT_EQ(plan.cases[0].blocks.size(), 1U + 2 * 3);
  EXPECT_EQ(std::get<PlannedSend>(action(plan, 5)).cuts, std::vector<std::uint64_t>{3});
}

TEST(MakePlanTest, LeavesOutCasesBeyondTheTargetsBounds) {
  const Plan plan = plan_of(
      R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"request": "sized", "bytes": "$n"}})",
      target_speaking("line"), R"("parameters": {"n": [10, 4096, 4097]}, )");
  EXPECT_EQ(plan.cases.size(), 2U);
  EXPECT_NE(plan.left_out.find("0 to 4096 octets, not 4097"), std::string::npos);
}

TEST(MakePlanTest, GivesACrowdAScriptAClient) {
  const Plan plan = plan_of(
      R"({"clients": 3, "at_once": 2, "each": [{"connect": {}}, {"exchange": {"request": 0}}]})",
      target_speaking("echo"));
  const Block& block = plan.cases[0].blocks[0];
  EXPECT_EQ(block.scripts.size(), 3U);
  EXPECT_EQ(block.at_once, 2U);
  EXPECT_EQ(block.scripts[2][0].client, "c3");
  EXPECT_EQ(step_of(plan, block.scripts[2][1].id).text, block.scripts[2][1].text);
}

TEST(MakePlanTest, IsTheSameForTheSameSeed) {
  const std::string steps =
      R"({"client": "a", "connect": {}}, {"client": "a", "exchange": {"request": 0}})";
  EXPECT_EQ(describe(plan_of(steps, target_speaking("line"))),
            describe(plan_of(steps, target_speaking("line"))));
}

TEST(CheckStepsTest, RefusesAClientThatIsNotThere) {
  EXPECT_NE(error_of(R"({"client": "a", "expect": {"nothing": true}})")
                .find("s.json:1:59: client 'a' is not defined"),
            std::string::npos);
}
TEST(CheckStepsTest, KnowsWhoMaySendWithoutConnectingOnceTheTransportIsKnown) {
  const Check check = check_of(R"({"client": "a", "send": "x"})");
  EXPECT_TRUE(check_steps(check));
  EXPECT_TRUE(check_steps(check, Transport::udp));
  const Result<void> refused = check_steps(check, Transport::tcp);
  ASSERT_FALSE(refused);
  EXPECT_NE(to_string(refused.error()).find("'a' is not defined"), std::string::npos);
}

TEST(CheckStepsTest, RefusesAStepAfterTheClose) {
  EXPECT_NE(
      error_of(
          R"({"client": "a", "connect": {}}, {"client": "a", "reset": {}}, {"client": "a", "send": "x"})")
          .find("can never run: 'a' has closed"),
      std::string::npos);
}
TEST(CheckStepsTest, RefusesToWaitForAStoppedServer) {
  EXPECT_NE(error_of(R"({"server": "stop"}, {"server": "settled"}, {"server": "continue"})")
                .find("a stopped server never settles"),
            std::string::npos);
}
TEST(CheckStepsTest, RefusesToEndWithAStoppedServer) {
  EXPECT_NE(error_of(R"({"server": "stop"})").find("ends with the server stopped"),
            std::string::npos);
}
TEST(CheckStepsTest, RefusesWritingAfterShutdown) {
  EXPECT_NE(
      error_of(
          R"({"client": "a", "connect": {}}, {"client": "a", "shutdown": "write"}, {"client": "a", "exchange": {"request": 0}})")
          .find("shut down its writing half"),
      std::string::npos);
}
TEST(CheckStepsTest, RefusesACrowdThatIsNotThere) {
  EXPECT_NE(
      error_of(R"({"clients": "k", "each": [{"close": {}}]})").find("there is no crowd 'k' yet"),
      std::string::npos);
}
TEST(CheckStepsTest, RefusesANewCrowdWhileThatOfItsNameIsThere) {
  const std::string crowd = R"({"clients": 3, "named": "k", "each": [{"connect": {}}]})";
  EXPECT_NE(error_of(crowd + ", " + crowd).find("the clients of 'k' are open already"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"repeat": 2, "steps": [)" + crowd + "]}").find("are open already"),
            std::string::npos);
  EXPECT_EQ(error_of(crowd + R"(, {"clients": "k", "each": [{"reset": {}}]}, )" + crowd), "");
}
TEST(CheckStepsTest, LetsARepeatOpenAndCloseAgain) {
  EXPECT_EQ(
      error_of(
          R"({"repeat": 3, "steps": [{"client": "a", "connect": {}}, {"client": "a", "close": {}}]})"),
      "");
}

TEST(WhyNotTest, NamesWhatDoesNotFit) {
  const Scenario scenario =
      check_of(R"({"client": "a", "connect": {}})",
               R"("applies": {"transport": "tcp", "speaks": ["line", "dialogue"]}, )")
          .first;
  EXPECT_EQ(why_not(scenario, target_speaking("echo", Transport::udp)),
            "it is for tcp, the server listens on udp");
  EXPECT_EQ(why_not(scenario, target_speaking("echo")),
            "it is for servers that speak line or dialogue, this one speaks echo");
  EXPECT_EQ(why_not(scenario, target_speaking("length-prefixed")), std::nullopt);
  Target target = target_speaking("length-prefixed");
  target.speaks.exchanges[0].then_fin = true;
  EXPECT_NE(why_not(scenario, target)->find("a connection that stays"), std::string::npos);
}

TEST(WhyNotTest, KnowsWhoCanBeToldAnotherAddress) {
  const Scenario port = check_of(R"({"server": {"second": {"port": "privileged"}}})").first;
  const Scenario path =
      check_of(R"({"repeat": 2, "steps": [{"server": {"restart": {"path_bytes": 107}}}]})").first;
  Target target = target_speaking("echo");
  target.command = {"server"};
  EXPECT_EQ(why_not(port, target), "the server's port is fixed, and the check needs others");
  target.command = {"server", "--listen=:{port}"};
  EXPECT_EQ(why_not(port, target), std::nullopt);
  target.port = 80;
  EXPECT_EQ(why_not(port, target), "the server's port is fixed, and the check needs others");
  EXPECT_EQ(why_not(path, target), "it is about paths, the server listens on tcp");
  target.transport = Transport::unix_stream;
  EXPECT_EQ(why_not(port, target), "it is about ports, the server listens on unix");
  EXPECT_EQ(why_not(path, target), "the server's path is fixed, and the check needs others");
  target.environment = {{"SOCKET", "{path}"}};
  EXPECT_EQ(why_not(path, target), std::nullopt);
}

TEST(WhyNotTest, KnowsWhatOnlyIpv6Has) {
  const Scenario scenario =
      check_of(R"({"client": "a", "connect": {}})", R"("applies": {"family": "ipv6"}, )").first;
  Target target = target_speaking("echo");
  EXPECT_EQ(why_not(scenario, target), "it is for servers that listen on IPv6");
  target.family = Family::ipv6;
  EXPECT_EQ(why_not(scenario, target), std::nullopt);
}

}  // namespace
}  // namespace sockdrill
