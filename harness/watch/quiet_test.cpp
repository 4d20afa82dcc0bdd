#include "harness/watch/quiet.h"

#include <gtest/gtest.h>

#include <string>

namespace sockdrill {
namespace {

/// A softnet_stat of two CPUs with so many packets queued (hexadecimal).
std::string softnet(const std::string& first, const std::string& second) {
  const std::string zeros =
      "00000641 00000000 00000000 00000000 00000000 00000000 00000000 00000000 ";
  const std::string more = "00000000 00000000 00000000 ";
  return zeros + more + first + " 00000000 00000000 00000000\n" + zeros + more + second +
         " 00000001 00000000 00000000\n";
}

TEST(ParseBacklogTest, ReadsTheQueueOfEachCpu) {
  EXPECT_EQ(parse_backlog(softnet("00000000", "0000001f")), (std::vector<std::uint64_t>{0, 31}));
}

TEST(ParseBacklogTest, AnswersNothingForAnOldKernel) {
  EXPECT_FALSE(
      parse_backlog("00000641 00000000 00000000 00000000 00000000 00000000 00000000 "
                    "00000000 00000000 00000000 00000000\n"));
  EXPECT_FALSE(parse_backlog(""));
}

TEST(QuietNetworkTest, NeedsEachCpuToHaveBeenEmptyOnce) {
  QuietNetwork network;
  network.begin(1);
  network.observe(softnet("00000003", "00000000"));
  EXPECT_EQ(network.is_quiet(), false);
  network.observe(softnet("00000000", "00000002"));
  EXPECT_EQ(network.is_quiet(), true);
}

TEST(QuietNetworkTest, ForgetsWhenTheStateChanges) {
  QuietNetwork network;
  network.begin(1);
  network.observe(softnet("00000000", "00000000"));
  network.begin(1);
  EXPECT_EQ(network.is_quiet(), true);
  network.begin(2);
  EXPECT_EQ(network.is_quiet(), false);
}

TEST(QuietNetworkTest, AdmitsThatItCannotTell) {
  QuietNetwork network;
  network.begin(1);
  network.observe("");
  EXPECT_EQ(network.is_quiet(), std::nullopt);
}

}  // namespace
}  // namespace sockdrill
