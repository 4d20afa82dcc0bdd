// What a stage looks like from inside: network, folders, names, users.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "harness/stage/stage.h"
#include "harness/stage/testing/test_stage.h"

namespace sockdrill {
namespace {

using testing_stage::actor;
using testing_stage::shell;
using testing_stage::wait_for_end;
using testing_stage::wait_for_output;

constexpr int kPort = 7007;

class StageWorldTest : public testing_stage::StageTest {};
SOCKDRILL_IN_BOTH_MODES(StageWorldTest);
class IsolatedWorldTest : public testing_stage::StageTest {};
SOCKDRILL_ISOLATED_ONLY(IsolatedWorldTest);

/// The actor's greeting of one byte, or what connect(2) said.
std::string greeting(const Stage& stage, const SocketAddress& address) {
  const auto client = stage.blocking_socket(address.family(), SOCK_STREAM, 0);
  if (!client) return describe(client.error());
  if (::connect(client->raw(), address.get(), address.length) != 0) return describe(last_errno());
  char byte = 0;
  return ::recv(client->raw(), &byte, 1, 0) == 1 ? std::string(1, byte) : "nothing";
}

int bind_error(const Stage& stage, const std::string& address) {
  const SocketAddress at = *ip_address(address, 0);
  const auto made = stage.socket(at.family(), SOCK_STREAM, 0);
  if (!made) return made.error().value;
  return ::bind(made->raw(), at.get(), at.length) == 0 ? 0 : errno;
}

// The network

TEST_P(StageWorldTest, ReachesAServerOnAFreePort) {
  const auto port = stage().free_port(Transport::tcp, 0);
  ASSERT_TRUE(port);
  StageProcess& server = start(actor({"serve-tcp", std::to_string(*port)}));
  wait_for_output(stage(), server, "ready\n");
  EXPECT_EQ(greeting(stage(), *ip_address("127.0.0.1", *port)), "x");
}

TEST_P(StageWorldTest, DoesNotOfferAPortThatIsTaken) {
  const auto port = stage().free_port(Transport::tcp, 0);
  ASSERT_TRUE(port);
  StageProcess& server = start(actor({"serve-tcp", std::to_string(*port)}));
  wait_for_output(stage(), server, "ready\n");
  const auto other = stage().free_port(Transport::tcp, 0);
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *port);
}

TEST_P(StageWorldTest, APortIsOneStageOnly) {
  // Nobody listens yet, and nobody does while a server is restarted.
  const auto port = stage().free_port(Transport::tcp, 0);
  auto other = open();
  const auto wished = other->free_port(Transport::tcp, *port);
  ASSERT_TRUE(wished);
  EXPECT_EQ(*wished == *port, stage().is_isolated());
}

TEST_P(StageWorldTest, MakesSocketsThatDoNotBlockAndDoNotLeak) {
  const auto made = stage().socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_TRUE(made);
  EXPECT_EQ(::fcntl(made->raw(), F_GETFD), FD_CLOEXEC);
  EXPECT_NE(::fcntl(made->raw(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(IsolatedWorldTest, LetsTwoStagesUseTheSamePort) {
  auto other = open();
  for (Stage* each : {&stage(), other.get()}) {
    EXPECT_EQ(*each->free_port(Transport::tcp, kPort), kPort);
    StageProcess& server = testing_stage::start(*each, actor({"serve-tcp", std::to_string(kPort)}));
    wait_for_output(*each, server, "ready\n");
  }
  EXPECT_EQ(greeting(stage(), *ip_address("127.0.0.1", kPort)), "x");
  EXPECT_EQ(greeting(*other, *ip_address("127.0.0.1", kPort)), "x");
}

TEST_P(IsolatedWorldTest, HasASecondAddressAndIpv6) {
  EXPECT_EQ(bind_error(stage(), kOrdinaryAddress), 0);
  EXPECT_EQ(bind_error(stage(), "192.0.2.130"), EADDRNOTAVAIL);
  if (!std::filesystem::exists("/proc/net/if_inet6")) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(bind_error(stage(), "::1"), 0);
}

TEST_P(IsolatedWorldTest, ReachesNobodyOutside) {
  EXPECT_EQ(greeting(stage(), *ip_address("198.51.100.1", 80)),
            "ENETUNREACH (Network is unreachable)");
}

TEST_P(IsolatedWorldTest, ServesSocketsToManyThreadsAtOnce) {
  auto other = open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Stage& mine = i % 2 == 0 ? stage() : *other;
      for (int round = 0; round < 100; ++round) {
        EXPECT_EQ(bind_error(mine, kOrdinaryAddress), 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bind_error(stage(), kOrdinaryAddress), 0);
}

TEST_P(IsolatedWorldTest, HasSmallSocketTables) {
  const std::string folder = "/proc/sys/net/ipv4/";
  for (const auto& [wish, table] : {std::pair("tcp_child_ehash_entries", "tcp_ehash_entries"),
                                    std::pair("udp_child_hash_entries", "udp_hash_entries")}) {
    if (read_file(folder + wish) != "1024\n") GTEST_SKIP() << wish << " cannot be set here";
    EXPECT_EQ(output_of(shell("cat " + folder + table)), "1024\n");
  }
}

// Broadcasts

/// Sends `text` and says what sendto(2) said: 0 or an errno.
int broadcast(const Stage& stage, const std::string& to, const std::string& text, bool may) {
  const auto sender = stage.blocking_socket(AF_INET, SOCK_DGRAM, 0);
  if (!sender) return sender.error().value;
  const int on = may ? 1 : 0;
  ::setsockopt(sender->raw(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  const SocketAddress address = *ip_address(to, kPort);
  const ssize_t sent =
      ::sendto(sender->raw(), text.data(), text.size(), 0, address.get(), address.length);
  return sent < 0 ? errno : 0;
}

TEST_P(IsolatedWorldTest, CarriesBroadcastsToAWildcardSocket) {
  auto stage = open({.broadcast_link = true});
  StageProcess& hearer = testing_stage::start(*stage, actor({"hear-udp", std::to_string(kPort)}));
  wait_for_output(*stage, hearer, "ready\n");
  EXPECT_EQ(broadcast(*stage, kLinkBroadcast, "to the subnet\n", true), 0);
  wait_for_output(*stage, hearer, "to the subnet\n");
  EXPECT_EQ(broadcast(*stage, "255.255.255.255", "to everybody\n", true), 0);
  wait_for_output(*stage, hearer, "to everybody\n");
}

TEST_P(IsolatedWorldTest, RefusesBroadcastsThatWereNotAskedFor) {
  const auto stage = open({.broadcast_link = true});
  EXPECT_EQ(broadcast(*stage, kLinkBroadcast, "no", false), EACCES);
  EXPECT_EQ(broadcast(*stage, "255.255.255.255", "no", false), EACCES);
}

TEST(DegradedWorldTest, HasNoBroadcastLinkAndSaysSo) {
  const auto stage =
      Stage::open(testing_stage::home_for(testing_stage::Mode::degraded), {.broadcast_link = true});
  ASSERT_FALSE(stage);
  EXPECT_EQ(stage.error().message,
            "a link that can broadcast needs isolation: isolation was not wanted");
}

// Folders and names

TEST_P(StageWorldTest, SharesATempFolderWithUs) {
  EXPECT_EQ(output_of(shell("echo hello > " + stage().temp_inside() + "/file")), "");
  EXPECT_EQ(read_file(stage().temp_outside() + "/file"), "hello\n");
}

TEST_P(StageWorldTest, ReachesAUnixSocketInTheTempFolder) {
  StageProcess& server = start(actor({"serve-unix", stage().temp_inside() + "/socket"}));
  wait_for_output(stage(), server, "ready\n");
  EXPECT_EQ(greeting(stage(), *unix_address(stage().temp_outside() + "/socket")), "x");
}

TEST_P(IsolatedWorldTest, HidesWhatIsWrittenToRunAndShm) {
  EXPECT_EQ(output_of(shell("touch /run/sockdrill-test /dev/shm/sockdrill-test")), "");
  EXPECT_FALSE(std::filesystem::exists("/run/sockdrill-test"));
  EXPECT_FALSE(std::filesystem::exists("/dev/shm/sockdrill-test"));
}

TEST_P(IsolatedWorldTest, HasTheFoldersOfRunWithoutTheirContent) {
  if (!std::filesystem::is_directory("/run/lock")) GTEST_SKIP() << "no /run/lock here";
  EXPECT_EQ(output_of(shell("test -d /run/lock && ls -A /run/lock")), "");
}

TEST_P(IsolatedWorldTest, IsCalledLocalhostAndSeesOnlyItself) {
  EXPECT_EQ(output_of(shell("cat /proc/sys/kernel/hostname")), "localhost\n");
  // Process 1 and the shell.
  if (output_of(shell("cat /proc/1/comm")) != "sockdrill-agent\n") {
    GTEST_SKIP() << "no /proc of its own here";
  }
  EXPECT_EQ(output_of(shell("set -- /proc/[0-9]*; echo $#")), "2\n");
}

// Users

TEST_P(IsolatedWorldTest, RunsAProcessAsAnOrdinaryUser) {
  Launch launch = shell("id -u; id -g; grep CapEff /proc/self/status");
  launch.as_ordinary_user = true;
  EXPECT_EQ(output_of(launch), "1000\n1000\nCapEff:\t0000000000000000\n");
}

TEST_P(IsolatedWorldTest, KeepsAnOrdinaryUserFromLowPortsButNotFromTheTempFolder) {
  Launch low = actor({"serve-tcp", "80"});
  low.as_ordinary_user = true;
  EXPECT_EQ(output_of(low), "bind: Permission denied\n");
  Launch temp = shell("touch " + stage().temp_inside() + "/mine");
  temp.as_ordinary_user = true;
  EXPECT_EQ(output_of(temp), "");
}

}  // namespace
}  // namespace sockdrill
