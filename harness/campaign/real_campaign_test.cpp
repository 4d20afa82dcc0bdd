#include "harness/campaign/real_campaign.h"

#include <gtest/gtest.h>

#include "harness/fuzzer/fuzz_request.h"

namespace sockdrill {
namespace {

Recording recording_of(std::vector<std::string> replies) {
  Recording recording;
  recording.target.speaks.style = Style::request_reply;
  for (const std::string& reply : replies) {
    Event event;
    event.lane = Lane::client;
    event.kind = Kind::received;
    event.who = "a";
    event.content = Content(reply);
    recording.events.push_back(event);
  }
  return recording;
}

TEST(RealCampaignTest, WhatFollowsWhatIsAFeature) {
  EXPECT_EQ(features_of(recording_of({"+OK\r\n", "$5\r\n"})),
            features_of(recording_of({"+OK\r\n", "$17\r\n"})));
  EXPECT_NE(features_of(recording_of({"+OK\r\n", "-ERR\r\n"})),
            features_of(recording_of({"-ERR\r\n", "+OK\r\n"})));
}

TEST(RealCampaignTest, WhatAnInputAskedForInVainIsNoReasonToGiveUp) {
  Verdict verdict{.grade = Grade::error};
  EXPECT_FALSE(is_error_of_input(verdict));  // the server did not start
  verdict.findings.push_back({.rule = "step", .grade = Grade::error});
  EXPECT_TRUE(is_error_of_input(verdict));
}

TEST(RealCampaignTest, DeathsBySameSignalAreOneFindingWhateverTheStep) {
  const auto death_in = [](const std::string& step) {
    Verdict verdict{.grade = Grade::fail};
    verdict.findings.push_back(
        {.rule = "invariant/alive",
         .headline = "the server died: it was killed by SIGSEGV (signal 11), during or after '" +
                     step + "'",
         .actual = "was killed by SIGSEGV (signal 11)"});
    return *fault_of_server(verdict);
  };
  EXPECT_EQ(death_in("a: reset").what, "the server died: it was killed by SIGSEGV (signal 11)");
  EXPECT_EQ(identity_of(death_in("a: reset")), identity_of(death_in("b: send \"x\"")));
}

TEST(RealCampaignTest, TheRealKernelIsAskedForNoFaults) {
  Scenario scenario;
  scenario.faults.emplace_back();
  scenario.steps.push_back({.what = ServerStep{Settled{}}, .note = "", .pointer = ""});
  scenario.steps.push_back(
      {.what = ServerStep{Signal{.name = "SIGTERM"}}, .note = "", .pointer = ""});
  const Scenario left = without_the_simulated(scenario);
  EXPECT_TRUE(left.faults.empty());
  ASSERT_EQ(left.steps.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Settled>(std::get<ServerStep>(left.steps[0].what).action));
}

}  // namespace
}  // namespace sockdrill
