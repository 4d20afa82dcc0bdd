#include "harness/sim/kernel/kernel.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "harness/sim/kernel/network.h"
#include "harness/sim/kernel/tcp.h"

namespace sockdrill::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Counts how often it is woken.
class CountingWaiter final : public Waiter {
 public:
  bool wake(std::uint32_t) override {
    ++count;
    return takes;
  }
  int count = 0;
  bool takes = true;
};

class KernelTest : public testing::Test {
 protected:
  Kernel kernel_;
  Process& process_ = kernel_.create_process(nullptr);

  Socket& socket_of(int fd) { return *process_.descriptors.find(fd)->as_socket(); }
  int tcp(int flags = 0) { return *create_socket(process_, AF_INET, SOCK_STREAM | flags, 0); }

  static SocketName loopback(std::uint16_t port) {
    return write_endpoint(AF_INET, Endpoint{Address::ipv4(INADDR_LOOPBACK), port});
  }
  int listener(std::uint16_t port, int backlog = 5) {
    const int fd = tcp();
    const SocketName name = loopback(port);
    EXPECT_TRUE(socket_of(fd).bind(process_, name.get(), name.length));
    EXPECT_TRUE(socket_of(fd).listen(process_, backlog));
    return fd;
  }
  Outcome<void> connect(int fd, std::uint16_t port, Call& call) {
    const SocketName name = loopback(port);
    return socket_of(fd).connect(process_, name.get(), name.length, call);
  }
  int accept_at(int listening) {
    Call call;
    return *accept(process_, *process_.descriptors.find(listening), nullptr, nullptr, 0, call);
  }
  Outcome<std::size_t> send(int fd, std::string octets, int flags, Call& call) {
    iovec part{.iov_base = octets.data(), .iov_len = octets.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return socket_of(fd).send(process_, message, flags, call);
  }
  Outcome<std::size_t> receive(int fd, std::string& into, int flags, Call& call) {
    iovec part{.iov_base = into.data(), .iov_len = into.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return socket_of(fd).receive(process_, message, flags, call);
  }
  void close(int fd) {
    Call call;
    EXPECT_TRUE(kernel_.close(process_, fd, call));
  }
  void set_number(int fd, int name, int value) {
    EXPECT_TRUE(socket_of(fd).set_option(SOL_SOCKET, name, &value, sizeof(value)));
  }
};

// Queues.

TEST_F(KernelTest, AWakeUpGoesToAllThatAreNotExclusiveAndToOneThatIs) {
  WaitQueue queue;
  CountingWaiter plain;
  CountingWaiter first;
  CountingWaiter second;
  WaitLink links[3];
  links[0].attach(queue, first, true);
  links[1].attach(queue, second, true);
  links[2].attach(queue, plain);
  queue.wake();
  EXPECT_EQ(plain.count, 1);
  EXPECT_EQ(first.count, 1);
  EXPECT_EQ(second.count, 0);
  first.takes = false;  // it has been woken already
  queue.wake();
  EXPECT_EQ(second.count, 1);
  queue.wake_all();
  EXPECT_EQ(second.count, 2);
}

TEST_F(KernelTest, AQueueMayGoBeforeItsWaiters) {
  CountingWaiter waiter;
  WaitLink link;
  {
    WaitQueue queue;
    link.attach(queue, waiter);
  }
  EXPECT_FALSE(link.is_attached());
}

// Calls that wait.

TEST_F(KernelTest, ABlockingReceiveWaitsAndIsWokenByOctets) {
  const int listening = listener(80);
  const int client = tcp();
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  std::string buffer(10, '\0');
  Call call;
  const Outcome<std::size_t> first = receive(server, buffer, 0, call);
  ASSERT_FALSE(first);
  ASSERT_TRUE(first.error().must_wait());
  EXPECT_TRUE(first.error().is_restartable);
  CountingWaiter waiter;
  WaitLink link;
  link.attach(*first.error().queue, waiter);
  Call sending;
  ASSERT_EQ(*send(client, "hello", 0, sending), 5U);
  EXPECT_EQ(waiter.count, 1);
  EXPECT_EQ(*receive(server, buffer, 0, call), 5U);
}

TEST_F(KernelTest, AReceiveTimeoutEndsInEagainAndIsNotRestarted) {
  const int listening = listener(80);
  const int client = tcp();
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  const timeval half{.tv_sec = 0, .tv_usec = 500000};
  ASSERT_TRUE(socket_of(server).set_option(SOL_SOCKET, SO_RCVTIMEO, &half, sizeof(half)));
  std::string buffer(10, '\0');
  Call call;
  const Outcome<std::size_t> first = receive(server, buffer, 0, call);
  ASSERT_TRUE(first.error().must_wait());
  EXPECT_EQ(first.error().until, milliseconds(500));
  EXPECT_FALSE(first.error().is_restartable);
  kernel_.advance_to(milliseconds(499));
  EXPECT_TRUE(receive(server, buffer, 0, call).error().must_wait());
  kernel_.advance_to(milliseconds(500));
  EXPECT_EQ(receive(server, buffer, 0, call).error().error, Errno{EAGAIN});
}

TEST_F(KernelTest, WaitAllGathersOverSeveralAsks) {
  const int listening = listener(80);
  const int client = tcp();
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  std::string buffer(6, '\0');
  Call call;
  Call sending;
  ASSERT_TRUE(send(client, "abc", 0, sending));
  ASSERT_TRUE(receive(server, buffer, MSG_WAITALL, call).error().must_wait());
  EXPECT_EQ(call.done, 3U);
  Call more;
  ASSERT_TRUE(send(client, "def", 0, more));
  EXPECT_EQ(*receive(server, buffer, MSG_WAITALL, call), 6U);
  EXPECT_EQ(buffer, "abcdef");
}

TEST_F(KernelTest, ABlockingSendGoesOnAsThePeerReads) {
  const int listening = listener(80);
  const int client = tcp();
  set_number(client, SO_SNDBUF, 10000);
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  const std::string much(1000000, 'x');
  Call sending;
  std::size_t got = 0;
  std::string buffer(65536, '\0');
  int asks = 0;
  while (!send(client, much, 0, sending)) {
    ASSERT_LT(++asks, 1000);
    Call receiving;
    got += *receive(server, buffer, 0, receiving);
  }
  EXPECT_EQ(sending.done, much.size());
  EXPECT_GT(got, 0U);
}

// TCP in time.

TEST_F(KernelTest, ASynToAFullListenerIsSentAgainAfterASecond) {
  const int listening = listener(80, 0);
  Call calls[2];
  ASSERT_TRUE(connect(tcp(), 80, calls[0]));
  const int second = tcp();
  ASSERT_TRUE(connect(second, 80, calls[1]).error().must_wait());
  static_cast<void>(accept_at(listening));
  kernel_.advance_to(milliseconds(999));
  EXPECT_TRUE(connect(second, 80, calls[1]).error().must_wait());
  kernel_.advance_to(milliseconds(1000));
  EXPECT_TRUE(connect(second, 80, calls[1]));
}

TEST_F(KernelTest, AConnectionAttemptIsGivenUpAfterTwoMinutes) {
  listener(80, 0);
  Call calls[2];
  ASSERT_TRUE(connect(tcp(), 80, calls[0]));
  const int second = tcp();
  ASSERT_TRUE(connect(second, 80, calls[1]).error().must_wait());
  kernel_.advance_to(seconds(126));
  EXPECT_TRUE(connect(second, 80, calls[1]).error().must_wait());
  kernel_.advance_to(seconds(127));
  EXPECT_EQ(connect(second, 80, calls[1]).error().error, Errno{ETIMEDOUT});
}

TEST_F(KernelTest, TimeWaitHoldsThePortForAMinute) {
  const int listening = listener(80);
  const int client = tcp();
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  close(server);
  close(client);
  close(listening);
  const SocketName name = loopback(80);
  const int next = tcp();
  EXPECT_EQ(socket_of(next).bind(process_, name.get(), name.length).error().error,
            Errno{EADDRINUSE});
  kernel_.advance_to(seconds(60));
  EXPECT_TRUE(socket_of(next).bind(process_, name.get(), name.length));
}

TEST_F(KernelTest, ACloseLingersUntilThePeerHasReadOrTheTimeIsOver) {
  const int listening = listener(80);
  const int client = tcp();
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  const linger two_seconds{.l_onoff = 1, .l_linger = 2};
  ASSERT_TRUE(
      socket_of(client).set_option(SOL_SOCKET, SO_LINGER, &two_seconds, sizeof(two_seconds)));
  Call sending;
  ASSERT_TRUE(send(client, std::string(1000000, 'x'), MSG_DONTWAIT, sending));
  Call closing;
  const Outcome<void> first = kernel_.close(process_, client, closing);
  ASSERT_TRUE(first.error().must_wait());
  EXPECT_EQ(first.error().until, seconds(2));
  EXPECT_EQ(process_.descriptors.find(client), nullptr);
  kernel_.advance_to(seconds(2));
  EXPECT_TRUE(kernel_.close(process_, client, closing));
  static_cast<void>(server);
}

// Descriptors.

TEST_F(KernelTest, AtTheLimitAcceptLeavesTheConnectionWhereItIs) {
  const int listening = listener(80);
  Call connecting;
  ASSERT_TRUE(connect(tcp(), 80, connecting));
  process_.descriptors.limit = process_.descriptors.count();
  Call call;
  File& file = *process_.descriptors.find(listening);
  EXPECT_EQ(accept(process_, file, nullptr, nullptr, 0, call).error().error, Errno{EMFILE});
  process_.descriptors.limit += 1;
  EXPECT_TRUE(accept(process_, file, nullptr, nullptr, 0, call));
}

TEST_F(KernelTest, AForkedChildKeepsAConnectionOpen) {
  const int listening = listener(80);
  const int client = tcp();
  Call connecting;
  ASSERT_TRUE(connect(client, 80, connecting));
  const int server = accept_at(listening);
  Process& child = kernel_.create_process(&process_);
  close(server);
  std::string buffer(10, '\0');
  Call call;
  EXPECT_EQ(receive(client, buffer, MSG_DONTWAIT, call).error().error, Errno{EAGAIN});
  kernel_.exit_process(child, 0);
  EXPECT_EQ(*receive(client, buffer, MSG_DONTWAIT, call), 0U);
}

TEST_F(KernelTest, CloseOnExecClosesAndOthersStay) {
  const int one = tcp(SOCK_CLOEXEC);
  const int two = tcp();
  process_.descriptors.close_marked();
  EXPECT_EQ(process_.descriptors.find(one), nullptr);
  EXPECT_NE(process_.descriptors.find(two), nullptr);
}

// Links that broadcast.

TEST_F(KernelTest, ABroadcastReachesAllWhoHaveThePort) {
  kernel_.network().has_broadcast_link = true;
  const auto udp = [&](const Address& address, std::uint16_t port) {
    const int fd = *create_socket(process_, AF_INET, SOCK_DGRAM, 0);
    set_number(fd, SO_REUSEADDR, 1);
    set_number(fd, SO_BROADCAST, 1);
    const SocketName name = write_endpoint(AF_INET, Endpoint{address, port});
    EXPECT_TRUE(socket_of(fd).bind(process_, name.get(), name.length));
    return fd;
  };
  const int first = udp(Address::any_ipv4(), 4711);
  const int second = udp(Address::any_ipv4(), 4711);
  const int elsewhere = udp(Address::any_ipv4(), 4712);
  SocketName to = write_endpoint(AF_INET, Endpoint{Address::ipv4(0xffffffff), 4711});
  char octet = 'x';
  iovec part{.iov_base = &octet, .iov_len = 1};
  msghdr message{};
  message.msg_name = &to.storage;
  message.msg_namelen = to.length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Call call;
  ASSERT_TRUE(socket_of(elsewhere).send(process_, message, 0, call));
  std::string buffer(10, '\0');
  for (const int fd : {first, second}) {
    Call receiving;
    EXPECT_EQ(*receive(fd, buffer, MSG_DONTWAIT, receiving), 1U);
  }
  Call receiving;
  EXPECT_FALSE(receive(elsewhere, buffer, MSG_DONTWAIT, receiving));
}

TEST_F(KernelTest, WithoutALinkThereIsNoRouteForABroadcast) {
  EXPECT_EQ(kernel_.network().source_for(Address::ipv4(0xffffffff)).error().error,
            Errno{ENETUNREACH});
}

}  // namespace
}  // namespace sockdrill::sim
