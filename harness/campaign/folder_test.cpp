#include "harness/campaign/folder.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sockdrill {
namespace {

namespace fs = std::filesystem;

class FolderTest : public ::testing::Test {
 protected:
  FolderTest() { fs::remove_all(path); }
  ~FolderTest() override { fs::remove_all(path); }
  const std::string path = ::testing::TempDir() + "campaign-" +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name();

  void add_finding(const CampaignFolder& folder, const std::string& name,
                   const Suspicion& suspicion) const {
    const std::string place = folder.findings() + "/" + name;
    fs::create_directories(place);
    ASSERT_TRUE(write_file(place + "/finding.json",
                           Json{{"rule", suspicion.rule}, {"what", suspicion.what}}.dump()));
  }
};

TEST_F(FolderTest, GoesOnWhereItWas) {
  {
    const Result<CampaignFolder> folder = CampaignFolder::open(path);
    ASSERT_TRUE(folder);
    EXPECT_EQ(folder->read_totals().inputs, 0U);
    ASSERT_TRUE(folder->write_totals({.inputs = 5, .milliseconds = 7, .features = 9}, "mine"));
  }
  const Result<CampaignFolder> again = CampaignFolder::open(path);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->read_totals().inputs, 5U);
  EXPECT_EQ(again->read_totals().features, 9U);
}

TEST_F(FolderTest, KnowsWhatWasFuzzed) {
  const Result<CampaignFolder> folder = CampaignFolder::open(path);
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->read_subject(), CampaignSubject{});
  const CampaignSubject subject{.target = "mine", .speaks = "echo"};
  ASSERT_TRUE(folder->write_subject(subject));
  ASSERT_TRUE(folder->write_totals({.inputs = 5}, "mine"));
  EXPECT_EQ(folder->read_subject(), subject);
  EXPECT_EQ(folder->read_totals().inputs, 5U);
}

TEST_F(FolderTest, IsForOneCampaignAtATime) {
  const Result<CampaignFolder> folder = CampaignFolder::open(path);
  ASSERT_TRUE(folder);
  const Result<CampaignFolder> second = CampaignFolder::open(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "another campaign is running in it");
}

TEST_F(FolderTest, TheWorstFindingComesFirst) {
  const Result<CampaignFolder> folder = CampaignFolder::open(path);
  ASSERT_TRUE(folder);
  add_finding(*folder, "a", {"invariant/descriptors", "1 descriptor more than before"});
  add_finding(*folder, "b", {"invariant/alive", "the server died: it exited with status 1"});
  add_finding(*folder, "c",
              {"invariant/alive", "the server died: it was killed by SIGSEGV (signal 11)"});
  const Result<std::vector<FuzzFinding>> findings = read_findings(folder->findings());
  ASSERT_TRUE(findings);
  ASSERT_EQ(findings->size(), 3U);
  EXPECT_EQ((*findings)[0].name, "c");
  EXPECT_EQ((*findings)[1].name, "b");
  EXPECT_EQ((*findings)[2].name, "a");
}

TEST_F(FolderTest, RemembersWhatWasLookedAtAgain) {
  const Result<CampaignFolder> folder = CampaignFolder::open(path);
  ASSERT_TRUE(folder);
  add_finding(*folder, "a", {"probe", "a fresh client is not served"});
  Result<FuzzFinding> finding = read_finding(folder->findings() + "/a");
  ASSERT_TRUE(finding);
  EXPECT_FALSE(finding->is_gone);
  finding->is_gone = true;
  ASSERT_TRUE(write_finding_summary(*finding));
  EXPECT_TRUE(read_finding(finding->folder)->is_gone);
}

TEST(SeverityTest, ThoseAlikeButForNumbersHaveOneName) {
  const Suspicion two{"invariant/descriptors", "2 descriptors more than before"};
  const Suspicion three{"invariant/descriptors", "3 descriptors more than before"};
  EXPECT_EQ(name_of_finding(two), name_of_finding(three));
  EXPECT_EQ(name_of_finding({"invariant/stall", "1 byte unread"}),
            name_of_finding({"invariant/stall", "3,699 bytes unread"}));
  EXPECT_NE(name_of_finding(two), name_of_finding({"invariant/descriptors", "another"}));
}

}  // namespace
}  // namespace sockdrill
