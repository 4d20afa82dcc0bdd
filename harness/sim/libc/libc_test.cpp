// Descriptors, time, stdio, and what is not simulated or not the server's to change.

#include "harness/sim/libc/libc_test.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace sockdrill::sim {

// This program's own main() is the tests'.
bool should_drive() { return false; }
int drive(ServerProgram) { return 0; }

namespace {

TEST_F(LibcTest, AnIterativeServerEchoes) {
  start([] {
    const int listener = open_listener();
    for (;;) echo(::accept(listener, nullptr, nullptr));
    return 0;
  });
  const auto [a, b] = connect_two_that_speak();
  EXPECT_EQ(receive(a), "first");
  EXPECT_EQ(receive(b), "<EAGAIN>");
  close_client(a);
  EXPECT_EQ(receive(b), "second");
}

TEST_F(LibcTest, DescriptorsAreNumberedFromThree) {
  run([this] {
    const int a = ::socket(AF_INET, SOCK_STREAM, 0);
    const int b = ::socket(AF_INET, SOCK_STREAM, 0);
    ::close(a);
    const int c = ::dup(b);
    say(std::to_string(a) + std::to_string(b) + std::to_string(c));
    return 0;
  });
  EXPECT_EQ(log, "343 ");
}

// So long that a sleep of the real machine would never let the test end.
TEST_F(LibcTest, ASleepOfADayCostsNoTime) {
  start([this] {
    const time_t before = ::time(nullptr);
    ::sleep(86400);
    say(std::to_string(::time(nullptr) - before));
    return 0;
  });
  EXPECT_EQ(log, "");
  settle(std::chrono::hours(24));
  EXPECT_EQ(log, "86400 ");
}

TEST_F(LibcTest, AtexitHandlersRunAndStdioReachesASocket) {
  start([] {
    const int fd = ::accept(open_listener(), nullptr, nullptr);
    FILE* stream = ::fdopen(fd, "w+");
    static FILE* kept = nullptr;
    kept = stream;
    ::on_exit([](int, void*) {}, nullptr);
    std::atexit([] {
      std::fputs("goodbye", kept);
      std::fflush(kept);
    });
    std::fprintf(stream, "hello %d ", 5);
    std::exit(3);
    return 0;
  });
  const int a = connect_client();
  EXPECT_EQ(receive(a), "hello 5 goodbye");
}

TEST_F(LibcTest, WhatIsNotSimulatedIsNamed) {
  run([this] {
    say(std::system("true") == -1 && errno == ENOSYS ? "refused" : "ran");
    return 0;
  });
  EXPECT_EQ(log, "refused ");
  EXPECT_EQ(simulation.not_simulated(), "system");
}

TEST_F(LibcTest, AProgramThatIsNotStartedIsAnErrorOfPosixSpawn) {
  run([this] {
    char* words[] = {const_cast<char*>("true"), nullptr};
    pid_t pid = 0;
    say(std::to_string(::posix_spawnp(&pid, "true", nullptr, nullptr, words, nullptr) == ENOSYS));
    return 0;
  });
  EXPECT_EQ(log, "1 ");
  EXPECT_EQ(simulation.not_simulated(), "posix_spawnp");
}

TEST_F(LibcTest, WhatTheServerGivesUpTheHarnessKeeps) {
  run([this] {
    say(std::to_string(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)));
    say(std::to_string(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, nullptr)));
    say(std::to_string(::prctl(-5)) + (errno == EINVAL ? " EINVAL" : ""));
    return 0;
  });
  EXPECT_EQ(log, "0 0 -1 EINVAL ");
  EXPECT_EQ(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
  EXPECT_EQ(simulation.not_simulated(), "prctl (this option)");
}

TEST_F(LibcTest, TheTimeoutOfRecvmmsgEndsItAtTheNextDatagram) {
  run([this] {
    int pair[2];
    ::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    std::thread sender([&] {
      for (int i = 0; i < 3; ++i) {
        ::sleep(2);
        ::send(pair[1], "x", 1, 0);
      }
    });
    std::array<mmsghdr, 5> messages{};
    timespec timeout{.tv_sec = 3, .tv_nsec = 0};
    say(std::to_string(::recvmmsg(pair[0], messages.data(), 5, 0, &timeout)));
    say(std::to_string(timeout.tv_sec));
    sender.join();
    return 0;
  });
  EXPECT_EQ(log, "2 0 ");
}

TEST_F(LibcTest, ASpinningServerIsSeenAndStopsNobody) {
  start([] {
    const int listener = open_listener();
    ::fcntl(listener, F_SETFL, O_NONBLOCK);
    for (;;) {
      const int fd = ::accept(listener, nullptr, nullptr);
      if (fd >= 0) std::thread(echo, fd).detach();
    }
    return 0;
  });
  const int a = connect_client();
  settle(std::chrono::milliseconds(5));
  send(a, "first");
  settle(std::chrono::milliseconds(95));
  EXPECT_EQ(receive(a), "first");
  EXPECT_GT(simulation.scheduler().processor_time(*server), std::chrono::milliseconds(90));
}

}  // namespace
}  // namespace sockdrill::sim
