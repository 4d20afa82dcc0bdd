// TAP: what it says, and that Perl's Test::Harness, which began it, reads the same.

#include <gtest/gtest.h>

#include "harness/report/samples.h"
#include "harness/report/testing/readers.h"

namespace sockdrill {
namespace {

TEST(TapTest, WritesAPointForEveryGrade) {
  EXPECT_EQ(report(make_tap_reporter, one_of_each()), R"---(TAP version 13
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
  EXPECT_EQ(report(make_tap_reporter, {}), "TAP version 13\n1..0 # SKIP nothing was selected\n");
}

TEST(TapTest, KeepsHostileOctetsInTheirLines) {
  const std::string text = report(make_tap_reporter, {hostile()});
  const std::size_t point = text.find("not ok 1");
  const std::string line = text.substr(point, text.find('\n', point) - point);
  EXPECT_EQ(line.find(" #"), std::string::npos) << "it would begin a directive: " << line;
}

TEST(TapTest, IsReadByPerlAsItIsMeant) {
  std::vector<RunResult> results = one_of_each();
  results.push_back(hostile());
  results.push_back(truncated_echo());
  const testing::Said said =
      testing::ask({SOCKDRILL_PERL, SOCKDRILL_TAP_READER}, report(make_tap_reporter, results));
  EXPECT_EQ(said.text,
            "planned 10, run 10\n"
            "passed 1 2 3 4 5\n"
            "failed 6 7 8 9 10\n"
            "todo 2\n"
            "skipped 5\n"
            "explained 8\n"
            "a/fail on t:echo: no answer\n");
}

}  // namespace
}  // namespace sockdrill
