#include "harness/campaign/status.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

using namespace std::chrono_literals;

TEST(StatusTest, TellsTimeAsAClockDoes) {
  EXPECT_EQ(clock_of(5s), "00:05");
  EXPECT_EQ(clock_of(605s), "10:05");
  EXPECT_EQ(clock_of(3723s), "1:02:03");
}

TEST(StatusTest, DrawsTheLargestAtFullHeight) {
  EXPECT_EQ(graph_of({0, 7}, 8), "▁█");
  EXPECT_EQ(graph_of({}, 8), "");
  // The last of those that share a bar.
  EXPECT_EQ(graph_of({0, 0, 7, 7}, 2), "▁█");
}

TEST(StatusTest, KeepsWithinTheTerminal) {
  const CampaignStatus status{.took = 12s,
                              .inputs = 8123,
                              .rate = 1650,
                              .features = 1488,
                              .corpus = 925,
                              .findings = 2,
                              .since_new = 3s,
                              .history = {1, 2, 3}};
  EXPECT_EQ(status_line(status, 200),
            "00:12  8,123 inputs  1,650/s  1,488 features  corpus 925  2 findings  new 00:03 ago  "
            "▃▆█");
  EXPECT_EQ(status_line(status, 20), "00:12  8,123 inputs ");
}

TEST(StatusTest, SaysWhatIsBeingExplained) {
  CampaignResult result{
      .status = {.took = 5s, .explaining = 1, .history = {}}, .findings = {}, .why_not = ""};
  EXPECT_NE(status_line(result.status, 200).find("  0 findings  explaining 1 finding  "),
            std::string::npos);
  result.was_interrupted = true;
  const Result<CampaignFolder> folder = CampaignFolder::open(::testing::TempDir() + "status");
  ASSERT_TRUE(folder);
  const std::string summary = summary_of(result, *folder, "mine");
  EXPECT_EQ(summary.substr(summary.find('\n') + 1),
            "1 being explained; interrupted: the same command goes on\n");
}

TEST(StatusTest, ACampaignThatFindsNothingHasPassed) {
  CampaignResult result;
  ASSERT_EQ(results_of(result, "mine").size(), 1U);
  EXPECT_EQ(results_of(result, "mine").front().verdict.grade, Grade::pass);
  result.findings.push_back({.name = "probe-1",
                             .folder = "/f",
                             .suspicion = {"probe", "nobody is served"},
                             .stack = "",
                             .real = ""});
  EXPECT_EQ(results_of(result, "mine").front().verdict.grade, Grade::fail);
  EXPECT_EQ(json_of(result, "mine")["findings"][0]["severity"], "no service");
}

}  // namespace
}  // namespace sockdrill
