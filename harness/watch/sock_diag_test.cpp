#include "harness/watch/sock_diag.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string_view>
#include <vector>

namespace sockdrill {
namespace {

// Payloads as Linux 6.18 sent them, in hexadecimal.
constexpr std::string_view kListener =
    "020a0000000700007f0000010000000000000000000000000000000000000000000000000000000000000000"
    "21110000000000000000000000000000050000000000000009750c00050008000000000008000f0000000000"
    "0c00150001000000000000000600160052000000280007000000000000000200000000000040000000000000"
    "000000000000000000000000000000001c0102000a0000000000000000000000000000000000000000000000"
    "0000000005000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000a0000000000000003000000000000000000000000000000ffffffffffffffff"
    "ffffffffffffffff000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kCloseWait =
    "0208000000079c407f0000010000000000000000000000007f00000100000000000000000000000000000000"
    "2311000000000000000000000600000000000000000000000b750c00050008000100000008000f0000000000"
    "0c0015000100000000000000060016005200000028000700450300000000020000000000001e3c00bb0c0000"
    "000000000000000000000000000000001c010200080000000007aa01e01c0300409c00000080000018020000"
    "000000000000000000000000000000000000000004000000000000000400000004000000ffff0000cbff0000"
    "150000000c000000ffffff7f0b000000cbff00000300000000000000cbff00000000000076afb91509000000"
    "ffffffffffffffff030000000000000006000000000000000200000005000000000000000300000001000000"
    "01000000aaaa0a8b020000000000000000000000000000000000000000000000000000000200000000000000"
    "0300000000000000000000000000000000000000000000000000000000000100000001000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kUdp =
    "0a07000000350000000000000000000000000000000000010000000000000000000000000000000000000000"
    "2411000000000000000000004003000000000000000000000c750c00050008000000000005000b0001000000"
    "08000f00000000000c0015000100000000000000060016001000000028000700400300000040030000000000"
    "00400300c00c000000000000000000000000000000000000";
constexpr std::string_view kUnixAccepted =
    "0101010010750c0027110000000000000800000000616273080002000f750c000c0004000700000000000000"
    "2800050000000000004003000000000000400300000000000000000000000000000000000000000005000600"
    "00000000";
constexpr std::string_view kUnixClient =
    "010101000f750c0026110000000000000800020010750c000c00040000000000000300002800050000000000"
    "00400300000300000040030000000000000000000000000000000000000000000500060000000000";
constexpr std::string_view kUnixListener =
    "01010a000e750c00281100000000000008000000006162730c00040000000000030000002800050000000000"
    "00400300000000000040030000000000000000000000000000000000000000000500060000000000";

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

TEST(ParseInetMessageTest, ReadsAListener) {
  const auto socket = parse_inet_message(from_hex(kListener));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->state, SocketState::listen);
  EXPECT_EQ(to_string(socket->local), "127.0.0.1:7");
  EXPECT_EQ(socket->unread, 0U);
  EXPECT_EQ(socket->unsent, 5U);  // listen(5)
  EXPECT_EQ(socket->inode, 816393U);
}

TEST(ParseInetMessageTest, ReadsAServerSocketWithUnreadDataAndFin) {
  const auto socket = parse_inet_message(from_hex(kCloseWait));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->family, AF_INET);
  EXPECT_EQ(socket->state, SocketState::close_wait);
  EXPECT_EQ(to_string(socket->remote), "127.0.0.1:40000");
  EXPECT_EQ(socket->unread, 6U);  // "hello" and the FIN
  EXPECT_EQ(socket->inode, 816395U);
  ASSERT_TRUE(socket->tcp);
  EXPECT_EQ(socket->tcp->state, SocketState::close_wait);
  EXPECT_EQ(socket->tcp->bytes_received, 6U);
  EXPECT_EQ(socket->tcp->bytes_sent, 3U);
  EXPECT_EQ(socket->tcp->bytes_retransmitted, 0U);
  EXPECT_EQ(socket->tcp->not_sent, 0U);
  EXPECT_TRUE(socket->tcp->has_receive_window);
  EXPECT_GT(socket->tcp->send_window, 0U);
  EXPECT_GT(socket->send_buffer, 0U);
}

TEST(ParseInetMessageTest, ReadsADatagramSocket) {
  const auto socket = parse_inet_message(from_hex(kUdp));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->state, SocketState::close);  // bound, not connected
  EXPECT_EQ(to_string(socket->local), "[::1]:53");
  EXPECT_EQ(socket->remote.port, 0);
  EXPECT_EQ(socket->unread, 832U);  // memory of one tiny datagram
  EXPECT_FALSE(socket->tcp);
}

TEST(ParseUnixMessageTest, ReadsAListenerWithAnAbstractName) {
  const auto socket = parse_unix_message(from_hex(kUnixListener));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->state, SocketState::listen);
  EXPECT_EQ(socket->type, SOCK_STREAM);
  EXPECT_EQ(socket->name, std::string("\0abs", 4));
  EXPECT_EQ(socket->unread, 0U);
  EXPECT_EQ(socket->unconsumed, 3U);  // listen(3)
}

TEST(ParseUnixMessageTest, ReadsBothEndsOfAConnection) {
  const auto ours = parse_unix_message(from_hex(kUnixClient));
  const auto accepted = parse_unix_message(from_hex(kUnixAccepted));
  ASSERT_TRUE(ours && accepted);
  EXPECT_EQ(ours->peer, accepted->inode);
  EXPECT_EQ(accepted->peer, ours->inode);
  EXPECT_EQ(accepted->unread, 7U);
  EXPECT_EQ(ours->unconsumed, 768U);  // memory of what it sent
  EXPECT_TRUE(ours->name.empty());
}

TEST(ParseMessageTest, TakesNothingOfWhatIsTooShort) {
  EXPECT_FALSE(parse_inet_message({}));
  EXPECT_FALSE(parse_unix_message({}));
  EXPECT_FALSE(parse_inet_message(from_hex(kCloseWait.substr(0, 2 * 71))));
  EXPECT_FALSE(parse_unix_message(from_hex(kUnixClient.substr(0, 2 * 15))));
}

TEST(ParseMessageTest, LeavesOutWhatWasTruncated) {
  const auto socket = parse_inet_message(from_hex(kCloseWait.substr(0, 2 * 300)));
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->inode, 816395U);
  EXPECT_FALSE(socket->tcp);
}

TEST(ParseMessageTest, SurvivesEveryCutAndEveryBitFlip) {
  for (const std::string_view hex : {kListener, kCloseWait, kUdp, kUnixAccepted, kUnixListener}) {
    const std::vector<std::byte> whole = from_hex(hex);
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      const std::vector<std::byte> cut(whole.begin(),
                                       whole.begin() + static_cast<std::ptrdiff_t>(length));
      static_cast<void>(parse_inet_message(cut));
      static_cast<void>(parse_unix_message(cut));
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::vector<std::byte> flipped = whole;
      flipped[bit / 8] ^= std::byte{1} << (bit % 8);
      static_cast<void>(parse_inet_message(flipped));
      static_cast<void>(parse_unix_message(flipped));
    }
  }
}

TEST(ParseTcpInfoTest, RefusesOnesWithoutByteCounts) {
  const std::vector<std::byte> old_kernel(192);
  EXPECT_FALSE(parse_tcp_info(old_kernel));
  const std::vector<std::byte> linux_5_10(232);
  ASSERT_TRUE(parse_tcp_info(linux_5_10));
  EXPECT_FALSE(parse_tcp_info(linux_5_10)->has_receive_window);
}

TEST(EndpointTest, IsTheSameForIpv4AndForTheMappedAddressOfADualStackSocket) {
  const auto plain = ip_address("127.0.0.1", 7);
  const auto mapped = ip_address("::ffff:127.0.0.1", 7);
  ASSERT_TRUE(plain && mapped);
  EXPECT_EQ(endpoint_of(*plain), endpoint_of(*mapped));
  EXPECT_EQ(to_string(endpoint_of(*mapped)), "127.0.0.1:7");
}

TEST(EndpointTest, GoesBackToAnAddressOfItsFamily) {
  const auto v6 = ip_address("fe80::1", 4711);
  ASSERT_TRUE(v6);
  EXPECT_EQ(to_address(endpoint_of(*v6), AF_INET6), *v6);
  const auto v4 = ip_address("192.0.2.1", 80);
  ASSERT_TRUE(v4);
  EXPECT_EQ(to_address(endpoint_of(*v4), AF_INET), *v4);
}

}  // namespace
}  // namespace sockdrill
