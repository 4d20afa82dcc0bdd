#include "harness/campaign/unconfirmed.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "harness/base/fd.h"

namespace sockdrill {
namespace {

const Suspicion kDeath{"invariant/alive", "the server died: it was killed by SIGSEGV"};

class UnconfirmedTest : public ::testing::Test {
 protected:
  UnconfirmedTest() {
    const std::string place = testing::TempDir() + "unconfirmed_test_" +
                              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(place);
    folder_ = CampaignFolder::open(place).value();
    input_ = place + "/input";
    static_cast<void>(write_file(input_, ""));
    target_.name = "kv";
    target_.command = {"kv", "{port}"};
    target_.speaks = built_in_dialogue("echo", Transport::tcp).value();
  }
  [[nodiscard]] std::vector<FuzzFinding> written() const {
    return unconfirmed_.write(folder_, target_).value();
  }

  CampaignFolder folder_;
  Target target_;
  std::string input_;
  Unconfirmed unconfirmed_;
};

TEST_F(UnconfirmedTest, ADeathThatIsNotShownAgainIsAFindingAllTheSame) {
  for (int i = 0; i < 3; ++i) unconfirmed_.saw(kDeath);
  unconfirmed_.note(kDeath, input_);
  const std::vector<FuzzFinding> findings = written();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].real.find("3 times"), std::string::npos);
  const std::vector<FuzzFinding> read = read_findings(folder_.findings()).value();
  ASSERT_EQ(read.size(), 1U);
  EXPECT_FALSE(read[0].is_confirmed);
  EXPECT_EQ(read[0].suspicion.rule, kDeath.rule);
}

TEST_F(UnconfirmedTest, OneThatIsConfirmedLaterIsNone) {
  unconfirmed_.note(kDeath, input_);
  unconfirmed_.confirm(kDeath);
  EXPECT_TRUE(written().empty());
}

TEST_F(UnconfirmedTest, TriesHaveAnEndAndOneInputIsNotExplainedTwice) {
  EXPECT_FALSE(unconfirmed_.was_tried(kDeath, "w0-found-1"));
  unconfirmed_.note(kDeath, "w0-found-1");
  EXPECT_FALSE(unconfirmed_.was_tried(kDeath, "w1-found-2"));
  int times = 0;
  for (; unconfirmed_.is_open(kDeath) && times < 20; ++times)
    EXPECT_TRUE(unconfirmed_.was_tried(kDeath, "w1-found-1"));
  EXPECT_GT(times, 2);
  EXPECT_LT(times, 20);
}

TEST_F(UnconfirmedTest, WrongRepliesThatNobodySeesAgainAreNotTheServers) {
  unconfirmed_.note({"protocol", "what came back is not what was sent"}, input_);
  EXPECT_TRUE(written().empty());
}

}  // namespace
}  // namespace sockdrill
