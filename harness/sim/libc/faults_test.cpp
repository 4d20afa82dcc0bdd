// Faults on a server's calls: they have their effect, and only where a real kernel could have it.

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <csignal>
#include <thread>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/libc/libc_test.h"

namespace sockdrill::sim {
namespace {

using Effect = CallFault::Effect;

class FaultsTest : public LibcTest {
 protected:
  FaultsTest() {
    simulation.kernel().faults.on_strike = [this](const CallFault& fault) {
      struck += std::to_string(fault.nth) + " ";
    };
  }
  void plan(std::vector<CallFault> faults) { simulation.kernel().faults.arm(faults); }
  void fail(CallKind kind, int error, std::uint64_t nth = 1) {
    plan({{.kind = kind, .nth = nth, .error = error}});
  }
  void say_result(long result) { say(result < 0 ? name_of(last_errno()) : std::to_string(result)); }

  std::string struck;
};

void handle(int number, int flags) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = flags;
  ::sigaction(number, &action, nullptr);
}

TEST_F(FaultsTest, AcceptFailsOnceAndTheConnectionIsThereAfterwards) {
  fail(CallKind::accept, EMFILE);
  start([this] {
    const int listener = open_listener();
    say_result(::accept(listener, nullptr, nullptr));
    echo(::accept(listener, nullptr, nullptr));
    return 0;
  });
  const int a = connect_client();
  send(a, "hello");
  EXPECT_EQ(log, "EMFILE ");
  EXPECT_EQ(receive(a), "hello");
  EXPECT_EQ(struck, "1 ");
}

TEST_F(FaultsTest, TheNthCallIsMeant) {
  fail(CallKind::open, ENFILE, 3);
  run([this] {
    for (int i = 0; i < 4; ++i) say_result(::socket(AF_INET, SOCK_STREAM, 0));
    return 0;
  });
  EXPECT_EQ(log, "3 4 ENFILE 5 ");
}

TEST_F(FaultsTest, OfTwoForOneCallTheFirstCounts) {
  plan({{.kind = CallKind::open, .error = ENFILE}, {.kind = CallKind::open, .error = EMFILE}});
  run([this] {
    say_result(::socket(AF_INET, SOCK_STREAM, 0));
    say_result(::socket(AF_INET, SOCK_STREAM, 0));
    return 0;
  });
  EXPECT_EQ(log, "ENFILE 3 ");
}

TEST_F(FaultsTest, AReceiveFallsShortAndTheRestComesAsANewEdge) {
  start([this] {
    const int listener = open_listener();
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    const int epoll = ::epoll_create1(0);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    for (int i = 0; i < 2; ++i) {
      ::epoll_wait(epoll, &event, 1, -1);
      char buffer[64];
      // A short count says that there is nothing more for now (epoll(7)): it does not ask again.
      say_result(::recv(fd, buffer, sizeof buffer, 0));
    }
    return 0;
  });
  plan({{.kind = CallKind::receive, .effect = Effect::falls_short, .octets = 2}});
  const int a = connect_client();
  send(a, "hello");
  EXPECT_EQ(log, "2 3 ");
}

TEST_F(FaultsTest, WhatIsNoStreamDoesNotFallShort) {
  plan({{.kind = CallKind::receive, .effect = Effect::falls_short, .octets = 2}});
  run([this] {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    ::send(pair[0], "hello", 5, 0);
    char buffer[64];
    say_result(::recv(pair[1], buffer, sizeof buffer, 0));
    return 0;
  });
  EXPECT_EQ(log, "5 ");
  EXPECT_EQ(struck, "");
}

TEST_F(FaultsTest, ASendThatWaitsSendsAllWhereNoSignalCanInterruptIt) {
  plan({{.kind = CallKind::send, .effect = Effect::falls_short, .octets = 2}});
  start([this] {
    const int fd = ::accept(open_listener(), nullptr, nullptr);
    say_result(::send(fd, "hello", 5, 0));
    return 0;
  });
  const int a = connect_client();
  EXPECT_EQ(log, "5 ");
  EXPECT_EQ(receive(a), "hello");
}

TEST_F(FaultsTest, ASendThatDoesNotWaitFallsShort) {
  start([this] {
    const int fd = ::accept(open_listener(), nullptr, nullptr);
    say_result(::send(fd, "hello", 5, MSG_DONTWAIT));
    handle(SIGUSR1, 0);
    say_result(::write(fd, "hello", 5));
    return 0;
  });
  plan({{.kind = CallKind::send, .nth = 1, .effect = Effect::falls_short, .octets = 2},
        {.kind = CallKind::send, .nth = 2, .effect = Effect::falls_short, .octets = 3}});
  const int a = connect_client();
  EXPECT_EQ(log, "2 3 ");
  EXPECT_EQ(receive(a), "hehel");
}

TEST_F(FaultsTest, EintrComesToWhoHandlesSignalsWithoutRestartingCalls) {
  plan({{.kind = CallKind::receive, .nth = 1, .error = EINTR},
        {.kind = CallKind::receive, .nth = 2, .error = EINTR},
        {.kind = CallKind::receive, .nth = 3, .error = EINTR},
        {.kind = CallKind::wait, .nth = 1, .error = EINTR}});
  run([this] {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    ::send(pair[0], "hello", 5, 0);
    char octet = 0;
    say_result(::recv(pair[1], &octet, 1, 0));
    handle(SIGUSR1, SA_RESTART);
    say_result(::recv(pair[1], &octet, 1, 0));
    pollfd one{.fd = pair[1], .events = POLLIN, .revents = 0};
    say_result(::poll(&one, 1, -1));  // never restarted
    handle(SIGUSR1, 0);
    say_result(::recv(pair[1], &octet, 1, 0));
    return 0;
  });
  EXPECT_EQ(log, "1 1 EINTR EINTR ");
  EXPECT_EQ(struck, "1 3 ");
}

TEST_F(FaultsTest, EagainComesToWhoDoesNotWait) {
  plan({{.kind = CallKind::receive, .nth = 1, .error = EAGAIN},
        {.kind = CallKind::receive, .nth = 2, .error = EAGAIN}});
  run([this] {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    ::send(pair[0], "hello", 5, 0);
    char octet = 0;
    say_result(::recv(pair[1], &octet, 1, 0));
    say_result(::recv(pair[1], &octet, 1, MSG_DONTWAIT));
    return 0;
  });
  EXPECT_EQ(log, "1 EAGAIN ");
}

TEST_F(FaultsTest, OfALostConnectionWhatHadComeIsReadFirst) {
  plan({{.kind = CallKind::receive, .nth = 2, .error = ECONNRESET}});
  start([this] {
    const int fd = ::accept(open_listener(), nullptr, nullptr);
    char buffer[3];
    for (int i = 0; i < 3; ++i) say_result(::recv(fd, buffer, sizeof buffer, 0));
    return 0;
  });
  send(connect_client(), "hello");
  EXPECT_EQ(log, "3 2 ECONNRESET ");
}

TEST_F(FaultsTest, ALostConnectionSaysWhy) {
  fail(CallKind::receive, ETIMEDOUT);
  start([this] {
    const int fd = ::accept(open_listener(), nullptr, nullptr);
    char buffer[64];
    say_result(::recv(fd, buffer, sizeof buffer, 0));
    say_result(::recv(fd, buffer, sizeof buffer, 0));
    return 0;
  });
  const int a = connect_client();
  EXPECT_EQ(log, "ETIMEDOUT 0 ");
  EXPECT_EQ(receive(a), "<ECONNRESET>");
}

TEST_F(FaultsTest, EpipeBringsItsSignal) {
  fail(CallKind::send, EPIPE);
  start([this] {
    handle(SIGPIPE, 0);
    const int fd = ::accept(open_listener(), nullptr, nullptr);
    say_result(::send(fd, "hello", 5, 0));
    ::signal(SIGPIPE, SIG_DFL);
    ::send(fd, "hello", 5, 0);
    say("lives");
    return 0;
  });
  connect_client();
  EXPECT_EQ(log, "EPIPE ");
}

TEST_F(FaultsTest, SpuriousReadinessIsToldOfOnce) {
  const CallFault fault{.kind = CallKind::wait, .effect = Effect::spurious};
  std::vector<CallFault> faults;
  for (std::uint64_t nth : {1U, 3U, 5U}) {
    faults.push_back(fault);
    faults.back().nth = nth;
  }
  plan(faults);
  run([this] {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pollfd one{.fd = pair[1], .events = POLLIN, .revents = 0};
    for (int i = 0; i < 2; ++i) say_result(::poll(&one, 1, 0));
    fd_set set;
    for (int i = 0; i < 2; ++i) {
      FD_ZERO(&set);
      FD_SET(pair[1], &set);
      timeval none{};
      say_result(::select(pair[1] + 1, &set, nullptr, nullptr, &none));
      say(FD_ISSET(pair[1], &set) ? "set" : "clear");
    }
    const int epoll = ::epoll_create1(0);
    epoll_event event{.events = EPOLLIN, .data = {.fd = pair[1]}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event);
    epoll_event found{};
    for (int i = 0; i < 2; ++i) say_result(::epoll_wait(epoll, &found, 1, 0));
    say(found.data.fd == pair[1] ? "named" : "other");
    return 0;
  });
  EXPECT_EQ(log, "1 0 1 set 0 clear 1 0 named ");
}

TEST_F(FaultsTest, NoMoreProcessesAndNoMoreThreads) {
  plan({{.kind = CallKind::fork, .error = EAGAIN}, {.kind = CallKind::thread, .error = EAGAIN}});
  run([this] {
    say_result(::fork());
    try {
      std::thread([] {}).join();
      say("made");
    } catch (const std::system_error& error) {
      say(name_of(Errno{error.code().value()}));
    }
    std::thread([this] { say("second"); }).join();
    return 0;
  });
  EXPECT_EQ(log, "EAGAIN EAGAIN second ");
}

}  // namespace
}  // namespace sockdrill::sim
