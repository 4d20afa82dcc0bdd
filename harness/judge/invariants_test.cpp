#include <gtest/gtest.h>

#include "harness/judge/testing/story.h"

namespace sockdrill {
namespace {

using testing::Story;

const char* const kConnect = R"([{"client": "a", "connect": {}}])";

bool has(const Verdict& verdict, const std::string& rule) {
  for (const Finding& finding : verdict.findings) {
    if (finding.rule == rule) return true;
  }
  return false;
}

TEST(InvariantsTest, AServerThatDiesIsNamedWithTheStepOfItsDeath) {
  Story story(kConnect);
  story.connected().server(Kind::exited, "was killed by SIGSEGV (signal 11)", 256 + 11);
  const Verdict verdict = story.verdict();
  ASSERT_EQ(verdict.grade, Grade::fail);
  EXPECT_EQ(verdict.findings.at(0).rule, "invariant/alive");
  EXPECT_NE(verdict.findings[0].headline.find("SIGSEGV"), std::string::npos);
  EXPECT_EQ(verdict.findings[0].pointer, "/steps/0");
}

TEST(InvariantsTest, AnEndThatWasAskedForIsNoDeath) {
  Story story(kConnect);
  story.connected().server(Kind::signalled, "SIGTERM");
  story.server(Kind::exited, "was killed by SIGTERM (signal 15)", 256 + 15);
  EXPECT_EQ(story.verdict().grade, Grade::pass);
}

TEST(InvariantsTest, WhatFollowsFromADeathIsNotToldAgain) {
  Story story(R"([{"client": "a", "connect": {}}, {"client": "a", "send": "x"},
                  {"client": "a", "expect": {"bytes": "=sent"}}])");
  story.connected().step().sent("x").ended().step().reset();
  story.server(Kind::exited, "exited with status 1", 1).ended("unmet");
  const Verdict verdict = story.verdict();
  ASSERT_EQ(verdict.findings.size(), 1U);
  EXPECT_EQ(verdict.findings[0].rule, "invariant/alive");
}

class GrowthTest : public ::testing::Test {
 protected:
  static Verdict with(const std::vector<Resources>& samples, const std::string& target = "") {
    Story story(kConnect, "must", target);
    story.sampled("baseline", samples.at(0)).connected();
    for (std::size_t i = 1; i < samples.size(); ++i)
      story.sampled(i == 1 ? "after" : "round " + std::to_string(i - 1), samples[i]);
    return story.verdict();
  }
  static Resources descriptors(int count) {
    Resources resources;
    resources.descriptors = static_cast<decltype(resources.descriptors)>(count);
    return resources;
  }
  static Resources memory(std::uint64_t bytes) {
    Resources resources;
    resources.resident_bytes = bytes;
    return resources;
  }
};

TEST_F(GrowthTest, IsALeakWhenItComesEachTime) {
  EXPECT_TRUE(has(with({descriptors(5), descriptors(6), descriptors(7)}), "invariant/descriptors"));
}
TEST_F(GrowthTest, IsWarmUpWhenItComesOnce) {
  EXPECT_EQ(with({descriptors(5), descriptors(6), descriptors(6)}).grade, Grade::pass);
}
TEST_F(GrowthTest, IsNotJudgedFromOneSample) {
  EXPECT_EQ(with({descriptors(5), descriptors(6)}).grade, Grade::pass);
}
TEST_F(GrowthTest, OfMemoryIsMeasuredAgainstWhatIsDeclared) {
  const std::uint64_t mib = 1U << 20U;
  const std::vector<Resources> samples{memory(10 * mib), memory(14 * mib), memory(18 * mib)};
  EXPECT_EQ(with(samples).grade, Grade::pass);
  EXPECT_TRUE(
      has(with(samples, R"("declares": {"max_memory_growth": 1048576})"), "invariant/memory"));
}

TEST_F(GrowthTest, OfAServerUnderASanitizerMayBeItsQuarantine) {
  const std::uint64_t mib = 1U << 20U;
  std::vector<Resources> samples{memory(10 * mib), memory(30 * mib), memory(50 * mib)};
  EXPECT_TRUE(has(with(samples), "invariant/memory"));
  for (Resources& sample : samples) sample.virtual_bytes = std::uint64_t{20} << 40U;
  EXPECT_EQ(with(samples).grade, Grade::pass);
}

TEST(InvariantsTest, AlarmsOnStderrAreFindings) {
  Story story(kConnect);
  story.connected().wrote("==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n");
  const Verdict verdict = story.verdict();
  ASSERT_TRUE(has(verdict, "invariant/stderr"));
  Story quiet(kConnect);
  quiet.connected().wrote("ERROR: AddressSanitizer is what we print\n", "stdout");
  EXPECT_EQ(quiet.verdict().grade, Grade::pass);
}

TEST(InvariantsTest, ASpinIsTheServersAndMereUnrestIsNobodys) {
  const auto with = [](std::uint64_t parts_per_million) {
    Story story(kConnect);
    story.connected().harness(Kind::restless, "a thread runs");
    story.harness(Kind::measured_quiet, "200", parts_per_million);
    return story.verdict();
  };
  EXPECT_TRUE(has(with(900'000), "invariant/quiet-cpu"));
  const Verdict unrest = with(20'000);
  EXPECT_EQ(unrest.grade, Grade::unknown);
  EXPECT_TRUE(has(unrest, "invariant/rest"));
}

TEST(InvariantsTest, WhatIsLeftBehindCountsUnlessWeKilledTheServer) {
  Story story(kConnect);
  story.connected().left_over("");
  EXPECT_TRUE(has(story.verdict(), "invariant/left-over"));
  Story killed(kConnect);
  killed.connected().server(Kind::signalled, "SIGKILL").server(Kind::exited, "killed", 265);
  killed.server(Kind::left_over, "pid 7 (worker)", 1);
  EXPECT_EQ(killed.verdict().grade, Grade::pass);
}

TEST(InvariantsTest, MissingRepliesProveNothingWhereTheKernelDroppedDatagrams) {
  Story story(R"([{"client": "a", "send": "x"}, {"client": "a", "expect": {"message": "=sent"}}])",
              "must", "", "udp");
  story.step().client(Kind::opened).sent("x").ended();
  story.step().firm_rest().ended("unmet");
  EXPECT_EQ(story.verdict().grade, Grade::fail);
  story.harness(Kind::dropped, "", 3);
  EXPECT_EQ(story.verdict().grade, Grade::unknown);
}

TEST(InvariantsTest, AReplyFromAnotherAddressIsAFinding) {
  Story story(R"([{"client": "a", "send": "x"}, {"client": "a", "expect": {"message": "=sent"}}])",
              "must", "", "udp");
  story.step().client(Kind::opened).sent("x").ended();
  story.step().client(Kind::received, "192.0.2.9:7", "x").ended("met");
  story.client(Kind::closed);
  EXPECT_TRUE(has(story.verdict(), "protocol"));
}

TEST(InvariantsTest, AnEchoOfOctetsNobodySentIsAFinding) {
  Story story(kConnect);
  story.connected().client(Kind::received, "", "surprise").client(Kind::closed, "orderly");
  EXPECT_TRUE(has(story.verdict(), "protocol"));
}

TEST(InvariantsTest, AnEchoMayHaveAnUrgentOctetOrLackIt) {
  const auto with = [](const Bytes& echo) {
    Story story(R"([{"client": "a", "connect": {}}, {"client": "a", "send": "ab!"},
                    {"client": "a", "send": "cd"}, {"client": "a", "close": {}}])");
    story.connected().step().sent_urgent("ab!").ended().step().sent("cd").ended();
    return story.step().received(echo).client(Kind::closed, "orderly").ended().verdict();
  };
  EXPECT_EQ(with("ab!cd").grade, Grade::pass);
  EXPECT_EQ(with("abcd").grade, Grade::pass);
  const Verdict wrong = with("abxd");
  ASSERT_TRUE(has(wrong, "protocol"));
  EXPECT_EQ(wrong.findings[0].difference->at, 2U);
}

TEST(KnownTest, ExcusesAFailureAndFailsAPassThatIsNoLongerOne) {
  const std::string known = R"("known": [{"check": "t/*", "because": "upstream 7"}])";
  Story bad(kConnect, "must", known);
  bad.step().client(Kind::connect_failed, "refused").ended();
  EXPECT_EQ(bad.verdict().grade, Grade::known);
  EXPECT_EQ(bad.verdict().reason, "upstream 7");
  Story good(kConnect, "must", known);
  EXPECT_EQ(good.connected().verdict().grade, Grade::fail);
}

TEST(StartTest, AServerThatDidNotStartIsNoVerdictOnTheCheck) {
  const Check check =
      read_check(parse_document(R"({"id": "t/x", "summary": "A", "level": "must", "steps":
                                     [{"client": "a", "connect": {}}]})",
                                "x.json")
                     .value())
          .value();
  Recording recording;
  recording.target = read_targets(parse_document(R"({"name": "t", "command": ["t"],
      "speaks": "echo", "listens": {"transport": "tcp"}})",
                                                 "t.json")
                                      .value())
                         .value()
                         .at(0);
  const Plan plan = make_plan(check, recording.target, PlanOptions{}).value();
  recording.events.push_back(
      {.lane = Lane::server, .kind = Kind::not_listening, .who = "server", .text = "it exited"});
  const Verdict verdict = judge(plan, recording);
  EXPECT_TRUE(verdict.did_not_start);
  EXPECT_EQ(verdict.grade, Grade::error);
}

}  // namespace
}  // namespace sockdrill
