#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "harness/watch/standing.h"

namespace sockdrill {
namespace {

class UnixStandingTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kOurInode = 100;
  static constexpr std::uint64_t kServersInode = 200;

  void SetUp() override {
    client_.transport = Transport::unix_stream;
    client_.inode = kOurInode;
    client_.remote = unix_address("/run/x.sock").value_or(SocketAddress{});
    tables_.local.push_back(UnixSocket{.type = SOCK_STREAM,
                                       .state = SocketState::established,
                                       .inode = kOurInode,
                                       .name = {},
                                       .peer = kServersInode,
                                       .send_buffer = 1000});
    tables_.local.push_back(UnixSocket{.type = SOCK_STREAM,
                                       .state = SocketState::established,
                                       .inode = kServersInode,
                                       .name = "/run/x.sock",
                                       .peer = kOurInode,
                                       .send_buffer = 1000});
    tables_.local.push_back(UnixSocket{.type = SOCK_STREAM,
                                       .state = SocketState::listen,
                                       .inode = 300,
                                       .name = "/run/x.sock",
                                       .unconsumed = 128});
  }
  [[nodiscard]] std::string waiting() const {
    return judge_sockets(tables_, {client_}, options_, [](Fd) { return std::nullopt; }).waiting;
  }

  ClientSocket client_;
  WatchOptions options_;
  SocketTables tables_;
};

TEST_F(UnixStandingTest, HasNothingToSayWhenAllIsRead) { EXPECT_EQ(waiting(), ""); }

TEST_F(UnixStandingTest, SeesUnreadInput) {
  tables_.local[1].unread = 7;
  EXPECT_EQ(waiting(), "7 bytes unread on /run/x.sock");
}

TEST_F(UnixStandingTest, SeesEvenEmptyDatagramsByTheMemoryOfTheirSender) {
  tables_.local[0].unconsumed = 768;
  EXPECT_EQ(waiting(), "unread input of a client of /run/x.sock");
}

TEST_F(UnixStandingTest, SeesAConnectionThatWasNotAccepted) {
  tables_.local[2].unread = 1;
  EXPECT_EQ(waiting(), "1 connection not accepted on /run/x.sock");
}

TEST_F(UnixStandingTest, SeesOutputThatNobodyReads) {
  tables_.local[1].unconsumed = 250;
  EXPECT_EQ(waiting(), "");
  tables_.local[1].unconsumed = 251;
  EXPECT_EQ(waiting(), "output on /run/x.sock waits for its client to read");
}

TEST_F(UnixStandingTest, DoesNotMindTheServersOwnSocketpairs) {
  tables_.local.push_back(UnixSocket{.type = SOCK_STREAM,
                                     .state = SocketState::established,
                                     .inode = 400,
                                     .name = {},
                                     .peer = 401,
                                     .unread = 1});
  EXPECT_EQ(waiting(), "");
}

TEST_F(UnixStandingTest, DoesNotMindStrangersOnASharedHost) {
  tables_.local.push_back(UnixSocket{.type = SOCK_DGRAM,
                                     .state = SocketState::close,
                                     .inode = 400,
                                     .name = "/run/other.sock",
                                     .unread = 1});
  EXPECT_NE(waiting(), "");
  options_.isolated = false;
  EXPECT_EQ(waiting(), "");
}

}  // namespace
}  // namespace sockdrill
