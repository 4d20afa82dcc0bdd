#include "harness/watch/resources.h"

#include <gtest/gtest.h>

#include "harness/watch/remote.h"

namespace sockdrill {
namespace {

using namespace std::chrono_literals;

TEST(ParseSocketLinkTest, TakesSocketsOnly) {
  EXPECT_EQ(parse_socket_link("socket:[4711]"), 4711U);
  EXPECT_FALSE(parse_socket_link("pipe:[4711]"));
  EXPECT_FALSE(parse_socket_link("socket:[4711"));
  EXPECT_FALSE(parse_socket_link("socket:[]"));
  EXPECT_FALSE(parse_socket_link("/tmp/socket:[1]"));
}

constexpr std::string_view kSnmp =
    "Udp: InDatagrams NoPorts InErrors OutDatagrams\n"
    "Udp: 26 1 3 27\n"
    "UdpLite: InDatagrams NoPorts InErrors OutDatagrams\n"
    "UdpLite: 0 0 9 0\n";

TEST(ParseSnmpTest, FindsAColumnOfTheRightTable) {
  EXPECT_EQ(parse_snmp(kSnmp, "Udp", "InErrors"), 3U);
  EXPECT_EQ(parse_snmp(kSnmp, "UdpLite", "InErrors"), 9U);
  EXPECT_FALSE(parse_snmp(kSnmp, "Udp", "Nonsense"));
  EXPECT_FALSE(parse_snmp("Udp: InErrors\n", "Udp", "InErrors"));
}

TEST(ParseSnmp6Test, FindsALine) {
  EXPECT_EQ(parse_snmp6("Udp6NoPorts  \t1\nUdp6InErrors                    \t3\n", "Udp6InErrors"),
            3U);
  EXPECT_FALSE(parse_snmp6("Udp6InErrors", "Udp6InErrors"));
  EXPECT_FALSE(parse_snmp6("Udp6InErrorsToo 3\n", "Udp6InErrors"));
}

TEST(ParseTimerfdTest, GivesTheTimeToTheNextExpiry) {
  EXPECT_EQ(parse_timerfd("pos:\t0\nclockid: 1\nticks: 0\nsettime flags: 00\n"
                          "it_value: (1, 500000000)\nit_interval: (2, 0)\n"),
            1500ms);
}

TEST(ParseTimerfdTest, GivesNothingForOneThatIsNotArmed) {
  EXPECT_FALSE(parse_timerfd("it_value: (0, 0)\nit_interval: (0, 0)\n"));
  EXPECT_FALSE(parse_timerfd("pos:\t0\n"));
  EXPECT_FALSE(parse_timerfd("it_value: (x, y)\n"));
}

}  // namespace
}  // namespace sockdrill
