// What all reports have in common, and the text of each.

#include <gtest/gtest.h>

#include "harness/base/utf8.h"
#include "harness/report/samples.h"

namespace sockdrill {
namespace {

std::unique_ptr<Reporter> make_plain_console(Sink write) {
  return make_console_reporter(std::move(write), {});
}

/// What it annotates and its summary, in one text.
std::unique_ptr<Reporter> make_whole_github(Sink write) {
  return make_github_reporter(write, write, {});
}

TEST(ConsoleTest, TellsARunFromBeginningToEnd) {
  EXPECT_EQ(report(make_plain_console, one_of_each()), R"---(8 runs: 8 checks on 1 target
WARN     a/warn on t:echo
         Allowed, but not well: reset.
         expected  fin; or reset (a warning)
         actual    reset
         source    RFC 9112 9.6
INFO     a/info on t:echo
         The server does not declare it.
UNKNOWN  a/unknown on t:echo
         The server did not come to rest.
────────────────────────────────────────────────────────────────────────────────────────────────
FAIL  a/fail on t:echo

  No answer.

  Requirement  MUST
  Source       RFC 9112 9.6
  Expected     fin; or reset (a warning)
  Actual       reset

  Run it again
    sockdrill run a/fail -t t:echo
────────────────────────────────────────────────────────────────────────────────────────────────
ERROR  a/error on t:echo

  No namespace could be made.

  Requirement  MUST
────────────────────────────────────────────────────────────────────────────────────────────────
FAIL     t:echo                           1 passed, 1 failed, 1 in error, 1 unknown, 1 with a warning, 1 known to fail, 1 for information, 1 skipped, 96 ms
         failed: a/fail, a/error
────────────────────────────────────────────────────────────────────────────────────────────────
8 runs in 96 ms: 1 passed, 1 failed, 1 in error, 1 unknown, 1 with a warning, 1 known to fail, 1 for information, 1 skipped

Failed (run one again with the line below it)
  a/fail on t:echo
      No answer.
      sockdrill run a/fail -t t:echo

In error: nothing is said about the server
  a/error on t:echo
      No namespace could be made.

Unknown: neither passed nor failed
  a/unknown on t:echo
      The server did not come to rest.

With a warning: passed, but not as it should be
  a/warn on t:echo
      Allowed, but not well: reset.

For information: not judged, for want of a declaration
  a/info on t:echo
      The server does not declare it.

Known to fail, because
  a/known on t:echo
      It is old.

Skipped, because
       1  it is for udp, this one listens on tcp

Exit code 1: a check failed.
)---");
}

TEST(ConsoleTest, RedrawsOneLineOnATerminal) {
  std::string text;
  const auto reporter = make_console_reporter([&](std::string_view part) { text += part; },
                                              ConsoleOptions{.progress = true});
  reporter->begin(2, 2, 1);
  text.clear();
  reporter->add(simple("a/pass", Grade::pass));
  EXPECT_EQ(text, "\r\x1b[K[1/2] a/pass on t:echo");
  text.clear();
  reporter->add(simple("a/b", Grade::pass));
  EXPECT_EQ(text,
            "\r\x1b[KPASS     t:echo                           2 passed, 24 ms\n"
            "\r\x1b[K[2/2] a/b on t:echo");
  text.clear();
  reporter->end(Totals{}, 0, false);
  EXPECT_TRUE(text.starts_with("\r\x1b[K"));
}

TEST(ConsoleTest, GivesEachRunALineWhenVerbose) {
  std::string text;
  const auto reporter = make_console_reporter([&](std::string_view part) { text += part; },
                                              ConsoleOptions{.verbose = true});
  reporter->begin(9, 3, 3);
  text.clear();
  reporter->add(simple("a/pass", Grade::pass));
  reporter->add(simple("a/skip", Grade::skip, "no tcp"));
  EXPECT_EQ(text, "PASS     a/pass on t:echo, 12 ms\nSKIP     a/skip on t:echo, 12 ms: no tcp\n");
}

TEST(ConsoleTest, ExplainsARepeatedFailureOnce) {
  const RunResult failure = one_of_each()[6];
  const std::string text = report(make_plain_console, {failure, failure, failure});
  EXPECT_EQ(text.find("Run it again"), text.rfind("Run it again"));
  EXPECT_NE(text.find("FAIL     a/fail on t:echo, 12 ms: no answer\n"), std::string::npos);
  EXPECT_NE(text.find("  a/fail on t:echo (3 times)\n"), std::string::npos);
}

TEST(ConsoleTest, NeverLooksLikeAPassWithNothingRun) {
  EXPECT_NE(report(make_plain_console, {}, 0, false, 4)
                .find("0 runs in 0 ms: nothing was run\n\nExit code 4: nothing was selected.\n"),
            std::string::npos);
}

TEST(ConsoleTest, TellsWhatThereIsWhenInterrupted) {
  const std::string text = report(make_plain_console, one_of_each(), 3, true, 130);
  EXPECT_NE(text.find("Interrupted after 8 of 8 runs.\n"), std::string::npos);
  EXPECT_NE(text.find("FAIL     t:echo"), std::string::npos) << "a target that is not done";
  EXPECT_NE(text.find("Exit code 130: interrupted.\n"), std::string::npos);
}

TEST(JsonTest, IsOneObject) {
  const Json json = Json::parse(report(make_json_reporter, {wrong_octet(), one_of_each()[4]}));
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_EQ(json["interrupted"], false);
  EXPECT_EQ(json["totals"]["failed"], 1);
  EXPECT_EQ(json["totals"]["skipped"], 1);
  const Json& result = json["results"][0];
  EXPECT_EQ(result["check"], "data/digits");
  EXPECT_EQ(result["case"]["text"], "PING 2\r\n");
  EXPECT_EQ(result["findings"][0]["difference"]["actual_hex"], "50494e47201b0d0a");
  EXPECT_EQ(json["results"][1]["reason"], "it is for udp, this one listens on tcp");
}

using Make = std::unique_ptr<Reporter> (*)(Sink);
class EveryReporter : public ::testing::TestWithParam<std::pair<const char*, Make>> {};

TEST_P(EveryReporter, SurvivesHostileOctets) {
  const std::string text = report(GetParam().second, {hostile(), hostile()});
  EXPECT_TRUE(is_utf8(text));
  for (const char c : text)
    ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  EXPECT_EQ(text.find("\u0085"), std::string::npos);
  EXPECT_EQ(text.find("\ufffe"), std::string::npos);
}

TEST_P(EveryReporter, SurvivesNothingAndNoBeginning) {
  EXPECT_FALSE(report(GetParam().second, {}, 0, false, 4).empty());
  std::string text;
  const auto reporter = GetParam().second([&](std::string_view part) { text += part; });
  reporter->end(Totals{}, 130, true);
  EXPECT_FALSE(text.empty());
}

TEST_P(EveryReporter, KeepsTenThousandResults) {
  std::vector<RunResult> results;
  for (int i = 0; i < 10'000; ++i)
    results.push_back(simple("a/" + std::to_string(i), i % 100 == 0 ? Grade::fail : Grade::pass));
  EXPECT_NE(report(GetParam().second, results, 1, true, 130).find("a/9900"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Reports, EveryReporter,
                         ::testing::Values(std::pair{"console", &make_plain_console},
                                           std::pair{"junit", &make_junit_reporter},
                                           std::pair{"tap", &make_tap_reporter},
                                           std::pair{"json", &make_json_reporter},
                                           std::pair{"github", &make_whole_github}),
                         [](const auto& one) { return std::string(one.param.first); });

}  // namespace
}  // namespace sockdrill
