#include "harness/watch/standing.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <utility>

namespace sockdrill {
namespace {

SocketAddress address(const std::string& text, std::uint16_t port) {
  return ip_address(text, port).value_or(SocketAddress{});
}

const SocketAddress kServer = address("127.0.0.1", 7);
const SocketAddress kClient = address("127.0.0.1", 40000);
constexpr std::uint64_t kOurInode = 100;
constexpr std::uint64_t kServersInode = 200;

InetSocket socket_between(const SocketAddress& local, const SocketAddress& remote,
                          std::uint64_t inode) {
  InetSocket socket{.family = AF_INET,
                    .state = SocketState::established,
                    .local = endpoint_of(local),
                    .remote = endpoint_of(remote),
                    .inode = inode,
                    .send_buffer = 1'000'000,
                    .tcp = TcpCounters{}};
  socket.tcp->state = SocketState::established;
  socket.tcp->send_window = 65536;
  socket.tcp->receive_window = 65536;
  socket.tcp->has_receive_window = true;
  return socket;
}

void set_state(InetSocket& socket, SocketState state) {
  socket.state = state;
  socket.tcp->state = state;
}

/// One client that has sent five bytes, all of which the server has read.
class TcpStandingTest : public testing::Test {
 protected:
  void SetUp() override {
    client_.transport = Transport::tcp;
    client_.fd = Fd{3};
    client_.inode = kOurInode;
    client_.local = kClient;
    client_.remote = kServer;
    client_.sent_bytes = 5;
    client_.established = true;
    ours_ = socket_between(kClient, kServer, kOurInode);
    servers_ = socket_between(kServer, kClient, kServersInode);
    servers_.tcp->bytes_received = 5;
    ours_.tcp->bytes_sent = 5;
    listener_ = socket_between(kServer, {}, 300);
    listener_.tcp.reset();
    listener_.state = SocketState::listen;
    listener_.unsent = 128;
  }

  [[nodiscard]] Standing judge() const {
    SocketTables tables;
    tables.tcp.push_back(listener_);
    if (has_ours_) tables.tcp.push_back(ours_);
    if (has_servers_) tables.tcp.push_back(servers_);
    return judge_sockets(tables, {client_}, options_, [this](Fd) { return asked_; });
  }

  ClientSocket client_;
  InetSocket ours_;
  InetSocket servers_;
  InetSocket listener_;
  bool has_ours_ = true;
  bool has_servers_ = true;
  WatchOptions options_;
  std::optional<TcpCounters> asked_;
};

TEST_F(TcpStandingTest, HasNothingToSayWhenAllIsRead) {
  const Standing standing = judge();
  EXPECT_EQ(standing.under_way, "");
  EXPECT_EQ(standing.waiting, "");
  EXPECT_EQ(standing.doubt, "");
  EXPECT_TRUE(standing.unread_of.empty());
  EXPECT_FALSE(standing.is_soft);
}

TEST_F(TcpStandingTest, SeesBytesThatHaveNotArrived) {
  client_.sent_bytes = 7;
  EXPECT_EQ(judge().under_way, "2 bytes for 127.0.0.1:7 <- 127.0.0.1:40000 under way");
}

TEST_F(TcpStandingTest, SeesAFinThatHasNotArrived) {
  client_.fin_sent = true;
  set_state(ours_, SocketState::fin_wait1);
  EXPECT_EQ(judge().under_way, "1 byte for 127.0.0.1:7 <- 127.0.0.1:40000 under way");
}

TEST_F(TcpStandingTest, SeesUnreadInput) {
  servers_.unread = 3;
  EXPECT_EQ(judge().waiting, "3 bytes unread on 127.0.0.1:7 <- 127.0.0.1:40000");
  EXPECT_EQ(judge().unread_of, std::vector<std::uint64_t>{kOurInode});
}

TEST_F(TcpStandingTest, SeesAnUnreadEndOfStream) {
  client_.fin_sent = true;
  servers_.tcp->bytes_received = 6;
  servers_.unread = 1;
  set_state(servers_, SocketState::close_wait);
  EXPECT_EQ(judge().waiting, "end of stream unread on 127.0.0.1:7 <- 127.0.0.1:40000");
}

TEST_F(TcpStandingTest, TakesAnEndOfStreamThatWasReadForConsumed) {
  client_.fin_sent = true;
  servers_.tcp->bytes_received = 6;
  set_state(servers_, SocketState::close_wait);
  set_state(ours_, SocketState::fin_wait2);
  const Standing standing = judge();
  EXPECT_EQ(standing.under_way + standing.waiting + standing.doubt, "");
}

TEST_F(TcpStandingTest, LetsAnUrgentOctetStandUnread) {
  client_.ends_urgent = true;
  servers_.unread = 1;
  EXPECT_EQ(judge().waiting, "");
}

TEST_F(TcpStandingTest, SeesAConnectionThatWasNotAccepted) {
  servers_.inode = 0;
  EXPECT_EQ(judge().waiting, "not accepted: 127.0.0.1:7 <- 127.0.0.1:40000");
}

TEST_F(TcpStandingTest, SeesTheQueueOfAListener) {
  listener_.unread = 2;
  EXPECT_EQ(judge().waiting, "2 connections not accepted on 127.0.0.1:7");
}

TEST_F(TcpStandingTest, DoesNotMindAListenerOfOurs) {
  listener_.inode = kOurInode;
  listener_.unread = 2;
  EXPECT_EQ(judge().waiting, "");
}

TEST_F(TcpStandingTest, CountsEndsThatNoTableShowsToBeNoticed) {
  EXPECT_EQ(judge().unseen_ends, 0U);
  has_servers_ = false;
  EXPECT_EQ(judge().unseen_ends, 1U);
}

TEST_F(TcpStandingTest, DoesNotMindStrangersListenersOnASharedHost) {
  options_.isolated = false;
  listener_.local.port = 8;
  listener_.unread = 2;
  EXPECT_EQ(judge().waiting, "");
}

TEST_F(TcpStandingTest, SeesOutputThatHasNotArrived) {
  servers_.tcp->bytes_sent = 9;
  servers_.tcp->bytes_retransmitted = 4;
  ours_.tcp->bytes_received = 4;
  EXPECT_EQ(judge().under_way, "1 byte from 127.0.0.1:7 <- 127.0.0.1:40000 under way");
}

TEST_F(TcpStandingTest, SeesOutputThatWaitsForAnAcknowledgement) {
  servers_.tcp->not_sent = 2;  // Nagle
  EXPECT_EQ(judge().under_way, "2 bytes from 127.0.0.1:7 <- 127.0.0.1:40000 under way");
}

TEST_F(TcpStandingTest, SeesOutputHeldUpByAClosedWindow) {
  servers_.tcp->not_sent = 2;
  servers_.tcp->send_window = 0;
  ours_.tcp->receive_window = 0;
  const Standing standing = judge();
  EXPECT_EQ(standing.under_way, "");
  EXPECT_EQ(standing.waiting,
            "2 bytes from 127.0.0.1:7 <- 127.0.0.1:40000 held up by a closed window");
  EXPECT_FALSE(standing.is_soft);
}

TEST_F(TcpStandingTest, DoesNotBelieveInAClosedWindowThatOnlyOneEndKnows) {
  servers_.tcp->not_sent = 2;
  servers_.tcp->send_window = 0;
  ours_.tcp->receive_window = 4096;  // The update is on its way.
  EXPECT_NE(judge().under_way, "");
}

TEST_F(TcpStandingTest, CallsAWindowThatIsTooSmallHeldUpForNow) {
  servers_.tcp->not_sent = 5000;
  servers_.tcp->send_window = 100;
  servers_.timer = 4;
  const Standing standing = judge();
  EXPECT_NE(standing.waiting, "");
  EXPECT_TRUE(standing.is_soft);
}

TEST_F(TcpStandingTest, KnowsThatCorkedOutputWillBeSent) {
  servers_.tcp->not_sent = 50;
  servers_.timer = 4;  // The probe timer flushes a corked segment.
  EXPECT_NE(judge().under_way, "");
}

TEST_F(TcpStandingTest, WaitsForADelayedAckThatAFullSendBufferNeeds) {
  servers_.tcp->unacknowledged = 1;
  servers_.send_queued = 700'000;
  EXPECT_EQ(judge().under_way, "an acknowledgement to 127.0.0.1:7 <- 127.0.0.1:40000");
  servers_.send_queued = 600'000;
  EXPECT_EQ(judge().under_way, "");
}

TEST_F(TcpStandingTest, SeesAFinOfTheServersUnderWay) {
  set_state(servers_, SocketState::fin_wait1);
  servers_.inode = 0;
  EXPECT_EQ(judge().under_way, "a FIN from 127.0.0.1:7 <- 127.0.0.1:40000");
}

TEST_F(TcpStandingTest, DoesNotMindInputForASocketThatItsOwnerHasClosed) {
  client_.sent_bytes = 50;
  set_state(servers_, SocketState::fin_wait2);
  servers_.inode = 0;
  set_state(ours_, SocketState::close_wait);
  const Standing standing = judge();
  EXPECT_EQ(standing.under_way + standing.waiting, "");
}

TEST_F(TcpStandingTest, DoubtsAResetThatLeftTheServersEnd) {
  client_.reset_sent = true;
  client_.fd = kNoFd;
  has_ours_ = false;
  EXPECT_EQ(judge().doubt, "a reset to 127.0.0.1:7 <- 127.0.0.1:40000");
  has_servers_ = false;
  EXPECT_EQ(judge().doubt, "");
}

TEST_F(TcpStandingTest, DoubtsAMissingServerEnd) {
  has_servers_ = false;
  EXPECT_EQ(judge().doubt, "a reset from 127.0.0.1:7 <- 127.0.0.1:40000");
}

TEST_F(TcpStandingTest, TakesAClosedClientWithoutServerEndForOver) {
  has_servers_ = false;
  has_ours_ = false;
  asked_ = TcpCounters{.state = SocketState::close};
  EXPECT_EQ(judge().doubt, "");
}

TEST_F(TcpStandingTest, AsksTheDescriptorOfAClientThatIsInAnotherNamespace) {
  has_ours_ = false;
  asked_ = ours_.tcp;
  servers_.tcp->bytes_sent = 3;
  EXPECT_NE(judge().under_way, "");
  asked_->bytes_received = 3;
  EXPECT_EQ(judge().under_way, "");
}

TEST_F(TcpStandingTest, SeesASynUnderWay) {
  has_servers_ = false;
  set_state(ours_, SocketState::syn_sent);
  client_.established = false;
  client_.sent_bytes = 0;
  EXPECT_EQ(judge().under_way, "a SYN to 127.0.0.1:7 <- 127.0.0.1:40000");
}

TEST_F(TcpStandingTest, IsHeldUpByAFullAcceptQueue) {
  has_servers_ = false;
  set_state(ours_, SocketState::syn_sent);
  client_.established = false;
  listener_.unread = 129;
  const Standing standing = judge();
  EXPECT_EQ(standing.under_way, "");
  EXPECT_EQ(standing.waiting, "129 connections not accepted on 127.0.0.1:7");
  EXPECT_TRUE(standing.is_soft);
}

TEST_F(TcpStandingTest, DoubtsAHandshakeThatOnlyWeThinkIsOver) {
  client_.sent_bytes = 0;
  set_state(servers_, SocketState::syn_recv);
  servers_.tcp.reset();
  EXPECT_EQ(judge().doubt, "the end of a handshake on 127.0.0.1:7 <- 127.0.0.1:40000");
  EXPECT_TRUE(judge().is_soft);
  client_.sent_bytes = 1;
  EXPECT_EQ(judge().under_way, "data ahead of the handshake on 127.0.0.1:7 <- 127.0.0.1:40000");
}

TEST_F(TcpStandingTest, ChangesItsFingerprintWithEveryByte) {
  const std::uint64_t before = judge().fingerprint;
  EXPECT_EQ(judge().fingerprint, before);
  servers_.unread = 1;
  EXPECT_NE(judge().fingerprint, before);
  servers_.unread = 0;
  servers_.tcp->bytes_sent = 1;
  EXPECT_NE(judge().fingerprint, before);
}

TEST_F(TcpStandingTest, JudgesOnlyTheLatestClientOfAnAddress) {
  ClientSocket old = client_;
  old.fd = kNoFd;
  old.reset_sent = true;
  SocketTables tables;
  tables.tcp = {listener_, ours_, servers_};
  const Standing standing =
      judge_sockets(tables, {old, client_}, options_, [](Fd) { return std::nullopt; });
  EXPECT_EQ(standing.doubt, "");
}

TEST_F(TcpStandingTest, SeesWhatProgramsOnTheStageSend) {
  ours_.tcp->bytes_sent = 8;
  SocketTables tables;
  tables.tcp = {listener_, ours_, servers_};
  const auto ask = [](Fd) { return std::nullopt; };
  EXPECT_NE(judge_sockets(tables, {}, options_, ask).under_way, "");
  options_.isolated = false;
  EXPECT_EQ(judge_sockets(tables, {}, options_, ask).under_way, "");
}

TEST(UdpStandingTest, SeesUnreadDatagramsOfTheServerOnly) {
  ClientSocket client;
  client.transport = Transport::udp;
  client.inode = kOurInode;
  client.remote = kServer;
  SocketTables tables;
  tables.udp = {socket_between(kServer, {}, kServersInode), socket_between(kClient, {}, kOurInode)};
  tables.udp[1].unread = 832;
  const auto ask = [](Fd) { return std::nullopt; };
  EXPECT_EQ(judge_sockets(tables, {client}, {}, ask).waiting, "");
  EXPECT_TRUE(judge_sockets(tables, {client}, {}, ask).has_datagrams);
  tables.udp[0].unread = 832;
  EXPECT_EQ(judge_sockets(tables, {client}, {}, ask).waiting,
            "datagrams unread on 127.0.0.1:7 (832 bytes of buffer)");
}

}  // namespace
}  // namespace sockdrill
