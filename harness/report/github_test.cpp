// The commands that GitHub Actions turns into annotations, and the job summary, to the letter.

#include <gtest/gtest.h>

#include "harness/report/samples.h"

namespace sockdrill {
namespace {

std::string annotations(const std::vector<RunResult>& results, const GithubOptions& options = {}) {
  const Sink nowhere = [](std::string_view) {};
  return report([&](const Sink& write) { return make_github_reporter(write, nowhere, options); },
                results);
}

std::string summary(const std::vector<RunResult>& results, bool interrupted = false) {
  const Sink nowhere = [](std::string_view) {};
  return report([&](const Sink& write) { return make_github_reporter(nowhere, write, {}); },
                results, 1, interrupted, interrupted ? 130 : 1);
}

/// The user's own scenario or server, as run_one() says it.
RunResult of_user(RunResult result, const std::string& scenario, const std::string& server) {
  result.is_bundled_check = scenario.empty();
  if (!scenario.empty()) result.scenario_file = scenario;
  result.server_file = server;
  return result;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find("::", 2)); }

TEST(GithubTest, AnnotatesWhatIsToBeActedOn) {
  EXPECT_EQ(
      annotations(one_of_each()),
      "::warning title=WARN a/warn on t%3Aecho::Allowed, but not well: reset.%0AExpected: fin; "
      "or reset (a warning)%0AActual: reset%0ASource: RFC 9112 9.6\n"
      "::warning title=UNKNOWN a/unknown on t%3Aecho::The server did not come to rest.\n"
      "::error title=FAIL a/fail on t%3Aecho::No answer.%0AExpected: fin; or reset (a "
      "warning)%0AActual: reset%0ASource: RFC 9112 9.6%0ARun it again: sockdrill run a/fail -t "
      "t:echo\n"
      "::error title=ERROR a/error on t%3Aecho::No namespace could be made.\n");
}

TEST(GithubTest, NamesTheStepOfTheScenario) {
  EXPECT_EQ(first_line(annotations({truncated_echo()})),
            "::error file=scenarios/half-close/reply-in-full.json,line=9,col=5,"
            "title=FAIL half-close/reply-in-full on tcp-threads%3Aecho");
}

TEST(GithubTest, NamesFilesFromTheWorkspaceOn) {
  const GithubOptions options{.workspace = "/home/runner/work/a,b",
                              .working_directory = "/home/runner/work/a,b/tests"};
  const auto place = [&](const std::string& scenario, const std::string& server) {
    const std::string line =
        first_line(annotations({of_user(undecided(), scenario, server)}, options));
    return line.substr(0, line.find(",title="));
  };
  EXPECT_EQ(place("my/idle.json", ""), "::warning file=tests/my/idle.json,line=6,col=5");
  EXPECT_EQ(place("/home/runner/work/a,b/c:d.json", ""), "::warning file=c%3Ad.json,line=6,col=5");
  EXPECT_EQ(place("/elsewhere/idle.json", ""), "::warning file=/elsewhere/idle.json,line=6,col=5");
  EXPECT_EQ(place("", "../server.py"), "::warning file=server.py,line=1");
  EXPECT_EQ(place("my/idle.json", "server.py"), "::warning file=tests/my/idle.json,line=6,col=5");
}

TEST(GithubTest, AnnotatesARepeatedFailureOnce) {
  const RunResult failure = simple("a/b", Grade::fail);
  EXPECT_EQ(annotations({failure, failure}), annotations({failure}));
}

TEST(GithubTest, KeepsACommandOnItsLine) {
  const std::string text = annotations({hostile()});
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(GithubTest, EscapesWhatACommandWouldTakeForItsOwn) {
  EXPECT_EQ(annotations({simple("a/50%,b:c", Grade::fail, "100% of 2, 3: it")}),
            "::error title=FAIL a/50%25%2Cb%3Ac on t%3Aecho::100%25 of 2, 3: it.\n");
}

TEST(GithubTest, SumsTheJobUp) {
  std::vector<RunResult> results = one_of_each();
  EXPECT_TRUE(summary(results).starts_with(
      R"(## sockdrill: a check failed

8 runs in 96 ms: 1 passed, 1 failed, 1 in error, 1 unknown, 1 with a warning, 1 known to fail, 1 for information, 1 skipped. Exit code 1: a check failed.

| | check | server | what was seen |
|---|---|---|---|
| WARN | a/warn | t:echo | Allowed, but not well: reset. |
| UNKNOWN | a/unknown | t:echo | The server did not come to rest. |
| FAIL | a/fail | t:echo | No answer. |
| ERROR | a/error | t:echo | No namespace could be made. |

<details><summary>UNKNOWN a/unknown on t:echo</summary>

<pre>
UNKNOWN  a/unknown on t:echo
)")) << summary(results);
  EXPECT_EQ(
      summary({simple("a/pass", Grade::pass)}, true),
      "## sockdrill: interrupted\n\n1 run in 12 ms: 1 passed. Exit code 130: interrupted.\n\n");
}

TEST(GithubTest, LetsNobodyWriteMarkdownOrHtml) {
  const std::string text = summary({simple("a/|<b>", Grade::fail, "see [here](x) & `y` | z")});
  EXPECT_NE(text.find(R"(| FAIL | a/\|\<b\> | t:echo | See \[here\]\(x\) \& \`y\` \| z. |)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("<summary>FAIL a/|&lt;b&gt; on"), std::string::npos);
  EXPECT_EQ(text.find("<b>"), std::string::npos);
}

TEST(GithubTest, KeepsWithinWhatGithubTakes) {
  RunResult large = simple("a/large", Grade::fail);
  std::vector<RunResult> results;
  for (int i = 0; i < 600; ++i) {
    large.check = "a/large-" + std::to_string(i);
    large.replay_command = std::string(2500, 'x');
    results.push_back(large);
  }
  const std::string text = summary(results);
  EXPECT_LT(text.size(), 1U << 20U);
  EXPECT_NE(text.find("\nAnd 100 more.\n"), std::string::npos);
}

}  // namespace
}  // namespace sockdrill
