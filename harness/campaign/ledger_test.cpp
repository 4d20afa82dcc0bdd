#include "harness/campaign/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sockdrill {
namespace {

class CountingObserver final : public CampaignObserver {
 public:
  void at(const CampaignStatus& status) override { last = status; }
  void found(const FuzzFinding& /*finding*/) override { ++findings; }
  void note(const std::string& text) override { notes += text; }
  CampaignStatus last;
  int findings = 0;
  std::string notes;
};

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { std::filesystem::remove_all(path); }
  ~LedgerTest() override { std::filesystem::remove_all(path); }

  const std::string path = ::testing::TempDir() + "ledger-" +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const Target target{.name = "mine"};
  CampaignOptions options;
  CountingObserver observer;
  std::atomic<bool> interrupted{false};
};

TEST_F(LedgerTest, EndsWhenEnoughWasFound) {
  options.stop_at = 1;
  const CampaignFolder folder = CampaignFolder::open(path).value();
  Ledger ledger = Ledger::open(folder, target, options, observer, interrupted).value();
  EXPECT_FALSE(ledger.is_over());
  EXPECT_TRUE(ledger.note({"probe", "1 client is not served"}));
  EXPECT_FALSE(ledger.note({"probe", "2 clients is not served"})) << "alike but for the number";
  ledger.add({.name = "a", .folder = "", .suspicion = {"probe", "x"}, .stack = "", .real = ""});
  EXPECT_TRUE(ledger.is_over());
  EXPECT_EQ(observer.findings, 1);
}

TEST_F(LedgerTest, CountsOnFromEarlierSessions) {
  const CampaignFolder folder = CampaignFolder::open(path).value();
  ASSERT_TRUE(folder.write_totals({.inputs = 100, .milliseconds = 0, .features = 7}, "mine"));
  Ledger ledger = Ledger::open(folder, target, options, observer, interrupted).value();
  ledger.note_features(5);
  ledger.tell(11, 3);
  EXPECT_EQ(observer.last.inputs, 11U) << "of this session";
  EXPECT_EQ(folder.read_totals().inputs, 111U);
  EXPECT_EQ(folder.read_totals().features, 7U);
  EXPECT_EQ(observer.notes, "");
}

TEST_F(LedgerTest, TheGraphStaysSmall) {
  const CampaignFolder folder = CampaignFolder::open(path).value();
  Ledger ledger = Ledger::open(folder, target, options, observer, interrupted).value();
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    ledger.note_features(i);
    ledger.tell(i, 0);
  }
  EXPECT_LE(observer.last.history.size(), 240U);
  EXPECT_GE(observer.last.history.size(), 120U);
  EXPECT_TRUE(std::is_sorted(observer.last.history.begin(), observer.last.history.end()));
}

}  // namespace
}  // namespace sockdrill
