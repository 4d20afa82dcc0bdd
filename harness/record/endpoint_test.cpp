#include "harness/record/endpoint.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

std::string read_as(const std::string& word, Transport transport = Transport::tcp) {
  const Result<SocketAddress> address = read_endpoint(word, transport, "--to");
  return address ? to_string(*address) : to_string(address.error());
}

TEST(EndpointTest, TakesWhatIsOnTheLoopback) {
  EXPECT_EQ(read_as("7"), "127.0.0.1:7");
  EXPECT_EQ(read_as("127.9.8.7:65535"), "127.9.8.7:65535");
  EXPECT_EQ(read_as("localhost:80"), "127.0.0.1:80");
  EXPECT_EQ(read_as("[::1]:80"), "[::1]:80");
  EXPECT_EQ(read_as("/run/x.sock", Transport::unix_stream), "/run/x.sock");
}

TEST(EndpointTest, RefusesEveryOtherAddress) {
  for (const char* word : {"10.0.0.1:80", "0.0.0.0:80", "[::]:80", "example.org:80",
                           "[::ffff:127.0.0.1]:80", "128.0.0.1:80", ":80"}) {
    EXPECT_EQ(read_as(word).find(std::string("--to: '") + word + "' is not on this machine's"), 0U)
        << read_as(word);
  }
}

TEST(EndpointTest, SaysWhatIsNoPort) {
  for (const char* word : {"", "x", "65536", "127.0.0.1", "127.0.0.1:", "localhost:-1", "7 "}) {
    EXPECT_NE(read_as(word).find("expected PORT, or HOST:PORT"), std::string::npos)
        << read_as(word);
  }
}

}  // namespace
}  // namespace sockdrill
