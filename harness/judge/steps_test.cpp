#include <gtest/gtest.h>

#include "harness/judge/testing/story.h"

namespace sockdrill {
namespace {

using testing::Story;

const char* const kEcho = R"([
  {"client": "a", "connect": {}},
  {"client": "a", "send": "hello"},
  {"client": "a", "expect": {"bytes": "=sent"}}])";

Story echo(const std::string& level = "must", const std::string& target = "") {
  Story story(kEcho, level, target);
  story.connected().step().sent("hello").ended();
  return story;
}

TEST(JudgeStepsTest, PassesWhatCameAsItWasSent) {
  const Verdict verdict = echo().step().received("hel").received("lo").ended("met").verdict();
  EXPECT_EQ(verdict.grade, Grade::pass);
  EXPECT_EQ(verdict.cases_played, 1U);
  EXPECT_TRUE(verdict.findings.empty());
}

TEST(JudgeStepsTest, FailsAWrongOctetAndLocatesIt) {
  const Verdict verdict = echo().step().received("heLlo").ended("unmet").verdict();
  ASSERT_EQ(verdict.grade, Grade::fail);
  const Finding& finding = verdict.findings.at(0);
  EXPECT_EQ(finding.headline, "the answer differs from octet 2 on");
  EXPECT_EQ(finding.client, "a");
  EXPECT_EQ(finding.pointer, "/steps/2");
  ASSERT_TRUE(finding.difference);
  EXPECT_EQ(finding.difference->at, 2U);
}

TEST(JudgeStepsTest, TellsAnAnswerThatBreaksOffFromOneThatStops) {
  EXPECT_EQ(echo().step().received("he").fin().ended("unmet").verdict().findings.at(0).headline,
            "the answer breaks off after 2 bytes, by fin");
  EXPECT_EQ(
      echo().step().received("he").firm_rest().ended("unmet").verdict().findings.at(0).headline,
      "the answer stops after 2 bytes: the server sleeps, and the rest does not come");
}

TEST(JudgeStepsTest, HearsAGreetingOutBeforeAnythingElse) {
  const auto greeted_with = [](const std::string& greeting) {
    Story story(R"([{"client": "a", "connect": {}},
      {"client": "a", "send": {"request": 0}}, {"client": "a", "expect": {"reply": 0}}])",
                "must", R"("speaks": {"name": "mail", "greeting": "220 {line}\r\n",
      "dialogue": [{"request": "NOOP\r\n", "reply": "250 ok\r\n"}]})");
    story.step().client(Kind::opened).client(Kind::connected).received(greeting).ended("met");
    story.step().sent("NOOP\r\n").ended().step().received("250 ok\r\n").ended("met");
    return story.verdict();
  };
  EXPECT_EQ(greeted_with("220 ready\r\n").grade, Grade::pass);
  const Verdict otherwise = greeted_with("500 no\r\n");
  ASSERT_EQ(otherwise.grade, Grade::fail);
  EXPECT_EQ(otherwise.findings.at(0).pointer, "/steps/0");
}

TEST(JudgeStepsTest, NeverBlamesTheServerWhenTheCapWasReached) {
  const Verdict verdict = echo().step().received("he").ended("deadline").verdict();
  EXPECT_EQ(verdict.grade, Grade::unknown);
  EXPECT_NE(verdict.reason.find("could not be decided"), std::string::npos);
}

TEST(JudgeStepsTest, NeverBlamesTheServerForAnErrorOfOurs) {
  const Verdict verdict =
      echo().step().harness(Kind::failed, "socket(2): EMFILE").ended("unmet").verdict();
  EXPECT_EQ(verdict.grade, Grade::error);
}

TEST(JudgeStepsTest, GradesByTheLevel) {
  const auto wrong = [](const std::string& level) {
    return echo(level).step().received("HELLO").ended("unmet").verdict().grade;
  };
  EXPECT_EQ(wrong("should"), Grade::warn);
  EXPECT_EQ(wrong("policy"), Grade::info);
}

TEST(JudgeStepsTest, WarnsOfAnOutcomeThatIsAllowedButNotGood) {
  Story story(R"([
    {"client": "a", "connect": {}},
    {"client": "a", "send": "x"},
    {"client": "a", "expect": {"one_of": [
      {"bytes": "=sent", "then": "fin"},
      {"bytes": "=sent", "then": "reset", "grade": "warn", "because": "RFC 9112 9.6"}]}}])");
  story.connected().step().sent("x").ended().step().received("x").reset().ended("met");
  const Verdict verdict = story.verdict();
  ASSERT_EQ(verdict.grade, Grade::warn);
  EXPECT_EQ(verdict.findings.at(0).because.back(), "RFC 9112 9.6");
}

TEST(JudgeStepsTest, ConnectionsMayOnlyFailAsTheScenarioSays) {
  Story refused(R"([{"client": "a", "connect": {}}])");
  refused.step().client(Kind::connect_failed, "refused").ended();
  EXPECT_EQ(refused.verdict().grade, Grade::fail);
  Story slow(R"([{"client": "a", "connect": {}}])");
  slow.step().client(Kind::connect_failed, "timeout").ended();
  EXPECT_EQ(slow.verdict().grade, Grade::unknown) << "no verdict on speed";
  Story wanted(R"([{"client": "a", "connect": {"outcome": "refused"}}])");
  wanted.step().client(Kind::connect_failed, "refused").ended();
  EXPECT_EQ(wanted.verdict().grade, Grade::pass);
}

TEST(JudgeStepsTest, ABacklogThatIsFullWhileTheServerIsStoppedIsAWarning) {
  const auto grade_with = [](const std::string& state, std::uint64_t waiting) {
    Story story(R"([{"client": "a", "connect": {}}])");
    story.step().client(Kind::connect_failed, "timeout");
    story.observed(
        {.tasks = {{.pid = 7, .tid = 7, .state = state}},
         .sockets = {{.descriptor = 3, .state = "LISTEN", .unread = waiting, .unsent = 1}}},
        "deadline");
    return story.ended("deadline").verdict().grade;
  };
  EXPECT_EQ(grade_with("T", 2), Grade::warn);
  EXPECT_EQ(grade_with("T", 1), Grade::unknown) << "there was room";
  EXPECT_EQ(grade_with("S", 2), Grade::unknown) << "why does it not accept?";
}

TEST(JudgeStepsTest, FailsAServerThatStopsReading) {
  Story story(R"([
    {"client": "a", "connect": {}},
    {"client": "a", "send": {"pattern": "a", "bytes": 1000}}])");
  story.connected().step().client(Kind::blocked).ended();
  EXPECT_EQ(story.verdict().grade, Grade::fail);
}

class SecondInstanceTest : public ::testing::Test {
 protected:
  static Verdict with(std::uint64_t status, const std::string& output) {
    Story story(R"([{"server": {"second": {"says": "EADDRINUSE"}}}])");
    story.step().wrote(output, "stderr", "second");
    story.server(Kind::exited, "exited", status, "second").ended();
    return story.verdict();
  }
};

TEST_F(SecondInstanceTest, PassesWhenItEndsAndSaysWhy) {
  EXPECT_EQ(with(1, "bind: Address already in use\n").grade, Grade::pass);
  EXPECT_EQ(with(1, "bind: EADDRINUSE\n").grade, Grade::pass);
  EXPECT_EQ(with(1, "listen tcp :7: bind: address already in use\n").grade, Grade::pass);
}
TEST_F(SecondInstanceTest, WarnsWhenItDoesNotSayWhy) {
  EXPECT_EQ(with(1, "cannot start\n").grade, Grade::warn);
}
TEST_F(SecondInstanceTest, FailsWhenItEndsAsIfAllWereWell) {
  EXPECT_EQ(with(0, "Address already in use\n").grade, Grade::fail);
}
TEST_F(SecondInstanceTest, FailsWhenItLivesOn) {
  Story story(R"([{"server": {"second": {"says": "EADDRINUSE"}}}])");
  EXPECT_EQ(story.step().ended("unmet").verdict().grade, Grade::fail);
}

TEST_F(SecondInstanceTest, TakesAnyWordsWhereNoErrnoIsDue) {
  const auto with_long_path = [](const std::string& output) {
    Story story(R"([{"server": {"second": {"path_bytes": 108}}}])", "must", "", "unix");
    story.step().wrote(output, "stderr", "second");
    return story.server(Kind::exited, "exited", 1, "second").ended().verdict().grade;
  };
  EXPECT_EQ(with_long_path("AF_UNIX path too long\n"), Grade::pass);
  EXPECT_EQ(with_long_path(""), Grade::warn);
}
TEST_F(SecondInstanceTest, SaysWhatItShowsOnAnotherAddress) {
  Story path(R"([{"server": {"second": {"path_bytes": 108}}}])", "must", "", "unix");
  path.step().server(Kind::listening, "unix /run/cut", 0, "second").ended("unmet");
  EXPECT_EQ(path.verdict().findings.at(0).diagnosis_name, "path-cut-off");
  EXPECT_EQ(path.verdict().findings.at(0).actual, "it lives on, and listens on unix /run/cut");
  Story port(R"([{"server": {"second": {"port": "privileged"}}}])");
  port.step().server(Kind::exited, "exited with status 0", 0, "second").ended();
  EXPECT_EQ(port.verdict().findings.at(0).diagnosis_name, "refusal-unseen");
}
TEST_F(SecondInstanceTest, MustNameThePortThatItGot) {
  const auto with_output = [](const std::string& output) {
    Story story(R"([{"server": {"second": {"port": "zero"}}}])");
    story.step().server(Kind::listening, "tcp 0.0.0.0:4321", 0, "second");
    return story.wrote(output, "stdout", "second").ended("unmet").verdict().grade;
  };
  EXPECT_EQ(with_output("listening on 0.0.0.0:4321\n"), Grade::pass);
  EXPECT_EQ(with_output("4321"), Grade::pass);
  EXPECT_EQ(with_output("listening on port 0\n"), Grade::fail);
  EXPECT_EQ(with_output("pid 14321, 43210 clients\n"), Grade::fail);
}
TEST_F(SecondInstanceTest, MayRefusePortZeroButNotKeepSilent) {
  const char* const steps = R"([{"server": {"second": {"port": "zero"}}}])";
  Story refused(steps);
  refused.step().wrote("port: expected 1 to 65535\n", "stderr", "second");
  EXPECT_EQ(refused.server(Kind::exited, "exited", 2, "second").ended().verdict().grade,
            Grade::pass);
  EXPECT_EQ(Story(steps).step().ended("unmet").verdict().grade, Grade::fail);
}
TEST_F(SecondInstanceTest, IsNoFaultOfTheServersWhenItCannotBeStarted) {
  Story story(R"([{"server": {"second": {}}}])");
  story.step().harness(Kind::failed, "no such file").ended("impossible");
  EXPECT_EQ(story.verdict().grade, Grade::error);
}

TEST(JudgeExitTest, GoesByWhatTheServerDeclares) {
  const char* const steps =
      R"([{"server": {"signal": "SIGTERM"}}, {"server": {"expect": {"exit": "declared"}}}])";
  const auto with = [&](const std::string& target, std::uint64_t status, const std::string& text) {
    Story story(steps, "must", target);
    story.step().server(Kind::signalled, "SIGTERM").ended();
    story.step().server(Kind::exited, text, status).ended();
    return story.verdict().grade;
  };
  const std::string declares_0 = R"("declares": {"exit": [0]})";
  EXPECT_EQ(with(declares_0, 0, "exited with status 0"), Grade::pass);
  EXPECT_EQ(with(declares_0, 256 + 15, "was killed by SIGTERM (signal 15)"), Grade::fail);
  EXPECT_EQ(with("", 256 + 15, "was killed by SIGTERM (signal 15)"), Grade::pass);
  EXPECT_EQ(with("", 143, "exited with status 143"), Grade::pass);
  EXPECT_EQ(with("", 1, "exited with status 1"), Grade::fail);
}

}  // namespace
}  // namespace sockdrill
