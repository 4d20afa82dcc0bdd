// What all reports have in common, and the text of each.

#include <gtest/gtest.h>
#include <pugixml.hpp>

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

TEST(JUnitTest, MapsEveryGrade) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(report(make_junit_reporter, one_of_each()).c_str()));
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  EXPECT_STREQ(suite.attribute("name").value(), "t:echo");
  EXPECT_EQ(suite.attribute("tests").as_int(), 8);
  EXPECT_EQ(suite.attribute("failures").as_int(), 1);
  EXPECT_EQ(suite.attribute("errors").as_int(), 2);
  EXPECT_EQ(suite.attribute("skipped").as_int(), 1);
  const auto outcome = [&](const char* name) {
    return std::string(
        suite.find_child_by_attribute("testcase", "name", name).first_child().name());
  };
  EXPECT_EQ(outcome("a/pass"), "");
  EXPECT_EQ(outcome("a/warn"), "system-out");
  EXPECT_EQ(outcome("a/info"), "system-out");
  EXPECT_EQ(outcome("a/known"), "system-out");
  EXPECT_EQ(outcome("a/skip"), "skipped");
  EXPECT_EQ(outcome("a/unknown"), "error");
  EXPECT_EQ(outcome("a/fail"), "failure");
  EXPECT_EQ(outcome("a/error"), "error");
}

TEST(JUnitTest, CarriesTheExplanationAndTheProperties) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(report(make_junit_reporter, {truncated_echo()}).c_str()));
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  const pugi::xml_node test = suite.child("testcase");
  EXPECT_STREQ(test.attribute("classname").value(), "tcp-threads:echo");
  EXPECT_STREQ(test.attribute("time").value(), "0.083");
  EXPECT_STREQ(test.child("failure").attribute("type").value(), "step");
  EXPECT_EQ(test.child("failure").child_value(), explain(truncated_echo(), false));
  EXPECT_STREQ(test.child("system-out").child_value(),
               "stdout: listening on 7001\nstderr: \\x1b[31mconnection closed\\x1b[0m\n");
  const auto property = [&](const char* name) {
    const std::string full = std::string("half-close/reply-in-full:") + name;
    return std::string(suite.child("properties")
                           .find_child_by_attribute("property", "name", full.c_str())
                           .attribute("value")
                           .value());
  };
  EXPECT_EQ(property("seed"), "1");
  EXPECT_EQ(property("level"), "must");
  EXPECT_EQ(property("source"), "RFC 9293 3.6.1; RFC 9112 9.6");
}

TEST(TapTest, WritesAPointForEveryGrade) {
  EXPECT_EQ(report(make_tap_reporter, one_of_each()), R"---(TAP version 14
1..8
ok 1 - a/pass on t:echo
not ok 2 - a/known on t:echo # TODO it is old
  ---
  message: "it is old"
  grade: "KNOWN"
  level: "must"
  ...
ok 3 - a/warn on t:echo
  ---
  message: "allowed, but not well: reset"
  grade: "WARN"
  level: "must"
  rule: "step"
  expected: "fin; or reset (a warning)"
  actual: "reset"
  source: "RFC 9112 9.6"
  ...
ok 4 - a/info on t:echo
  ---
  message: "the server does not declare it"
  grade: "INFO"
  level: "must"
  ...
ok 5 - a/skip on t:echo # SKIP it is for udp, this one listens on tcp
not ok 6 - a/unknown on t:echo
  ---
  message: "the server did not come to rest"
  grade: "UNKNOWN"
  level: "must"
  ...
not ok 7 - a/fail on t:echo
  ---
  message: "no answer"
  grade: "FAIL"
  level: "must"
  rule: "step"
  expected: "fin; or reset (a warning)"
  actual: "reset"
  source: "RFC 9112 9.6"
  replay: "sockdrill run a/fail -t t:echo"
  ...
not ok 8 - a/error on t:echo
  ---
  message: "no namespace could be made"
  grade: "ERROR"
  level: "must"
  ...
)---");
}

TEST(TapTest, BailsOutWhenInterrupted) {
  EXPECT_TRUE(
      report(make_tap_reporter, one_of_each(), 1, true).ends_with("Bail out! interrupted\n"));
  EXPECT_EQ(report(make_tap_reporter, {}), "TAP version 14\n1..0 # SKIP nothing was selected\n");
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
class EveryReporter : public testing::TestWithParam<std::pair<const char*, Make>> {};

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
                         testing::Values(std::pair{"console", &make_plain_console},
                                         std::pair{"junit", &make_junit_reporter},
                                         std::pair{"tap", &make_tap_reporter},
                                         std::pair{"json", &make_json_reporter},
                                         std::pair{"github", &make_whole_github}),
                         [](const auto& one) { return std::string(one.param.first); });

TEST(JUnitTest, StaysXmlWithHostileOctets) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(report(make_junit_reporter, {hostile()}).c_str()));
}

TEST(TapTest, KeepsHostileOctetsInTheirLines) {
  const std::string text = report(make_tap_reporter, {hostile()});
  const std::size_t point = text.find("not ok 1");
  const std::string line = text.substr(point, text.find('\n', point) - point);
  EXPECT_EQ(line.find(" #"), std::string::npos) << "it would begin a directive: " << line;
}

}  // namespace
}  // namespace sockdrill
