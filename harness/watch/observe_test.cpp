#include "harness/watch/observe.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

namespace sockdrill {
namespace {

TEST(ParseEpollTest, GivesWhatIsWatchedAndHow) {
  const std::vector<EpollEntry> entries = parse_epoll(
      "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1057\n"
      "tfd:        5 events: 80000019 data:                5  pos:0 ino:1d sdev:9\n"
      "tfd:       12 events:     2019 data:                c  pos:0 ino:1e sdev:9\n"
      "tfd:  nonsense\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0], (EpollEntry{5, 0x80000019U}));
  EXPECT_EQ(way_of(entries[0].events), "edge");
  EXPECT_EQ(words_of(entries[0].events), "in");
  EXPECT_EQ(way_of(entries[1].events), "level");
  EXPECT_EQ(words_of(entries[1].events), "in rdhup");
  EXPECT_EQ(way_of(EPOLLET | EPOLLONESHOT), "one-shot");
}

TEST(ParseMaskTest, FindsItsLine) {
  const std::string_view status =
      "Name:\tx\nSigBlk:\t0000000000000000\nSigCgt:\t0000000180004002\n";
  EXPECT_EQ(parse_mask(status, "SigCgt:"), 0x180004002U);
  EXPECT_EQ(parse_mask(status, "SigBlk:"), 0U);
  EXPECT_FALSE(parse_mask(status, "SigIgn:"));
}

}  // namespace
}  // namespace sockdrill
