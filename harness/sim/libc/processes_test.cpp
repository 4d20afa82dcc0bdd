// Processes and signals.

#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "harness/sim/libc/libc_test.h"

namespace sockdrill::sim {
namespace {

TEST_F(LibcTest, AServerOfProcessesServesBothAtOnceAndReaps) {
  start([this] {
    const int listener = open_listener();
    for (int served = 0; served < 2; ++served) {
      const int fd = ::accept(listener, nullptr, nullptr);
      if (::fork() == 0) {
        ::close(listener);
        variable_of_server = served + 1;
        echo(fd);
        ::_exit(variable_of_server);
      }
      ::close(fd);
    }
    for (int i = 0; i < 2; ++i) {
      int status = 0;
      ::wait(&status);
      say(std::to_string(WEXITSTATUS(status)));
    }
    say("parent has " + std::to_string(variable_of_server));
    return 0;
  });
  const int a = connect_client();
  const int b = connect_client();
  send(b, "second");
  EXPECT_EQ(receive(b), "second");
  send(a, "first");
  EXPECT_EQ(receive(a), "first");
  close_client(b);
  close_client(a);
  EXPECT_EQ(log, "2 1 parent has 0 ");
}

TEST_F(LibcTest, ASignalfdThatAChildInheritsTellsItOfItsOwnSignals) {
  for (const bool by_epoll : {false, true}) {
    log.clear();
    run([this, by_epoll] {
      sigset_t usr1;
      ::sigemptyset(&usr1);
      ::sigaddset(&usr1, SIGUSR1);
      ::sigprocmask(SIG_BLOCK, &usr1, nullptr);
      const int signals = ::signalfd(-1, &usr1, SFD_NONBLOCK);
      const auto is_told = [&](int timeout_ms) {
        if (!by_epoll) {
          pollfd in{signals, POLLIN, 0};
          return ::poll(&in, 1, timeout_ms) == 1;
        }
        const int epoll = ::epoll_create1(0);
        epoll_event event{.events = EPOLLIN, .data = {}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &event);
        const bool told = ::epoll_wait(epoll, &event, 1, timeout_ms) == 1;
        ::close(epoll);
        return told;
      };
      const pid_t child = ::fork();
      if (child == 0) ::_exit(is_told(-1) ? 7 : 8);
      ::kill(child, SIGUSR1);
      int status = 0;
      ::wait(&status);
      say(std::to_string(WEXITSTATUS(status)));
      say(is_told(0) ? "parent told" : "parent not told");
      return 0;
    });
    EXPECT_EQ(log, "7 parent not told ") << by_epoll;
  }
}

volatile std::sig_atomic_t signals_seen = 0;

TEST_F(LibcTest, AHandlerInterruptsAndARestartDoesNot) {
  start([this] {
    signals_seen = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { signals_seen = signals_seen + 1; };
    ::sigaction(SIGUSR1, &action, nullptr);
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR2, &action, nullptr);
    const int listener = open_listener();
    if (::accept(listener, nullptr, nullptr) < 0 && errno == EINTR) say("EINTR");
    const int fd = ::accept(listener, nullptr, nullptr);
    say(fd >= 0 ? "accepted" : "failed");
    return 0;
  });
  static_cast<void>(simulation.kernel().kill(*client, server->pid, SIGUSR1));
  settle();
  EXPECT_EQ(log, "EINTR ");
  static_cast<void>(simulation.kernel().kill(*client, server->pid, SIGUSR2));
  settle();
  EXPECT_EQ(log, "EINTR ");
  connect_client();
  EXPECT_EQ(log, "EINTR accepted ");
  EXPECT_EQ(signals_seen, 2);
}

TEST_F(LibcTest, SigpipeEndsAServerThatDoesNotIgnoreIt) {
  run([this] {
    const pid_t child = ::fork();
    if (child == 0) {
      int ends[2];
      ::pipe(ends);
      ::close(ends[0]);
      ::write(ends[1], "x", 1);
      say("survived");
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    say(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE ? "SIGPIPE" : "other");
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    ::pipe(ends);
    ::close(ends[0]);
    if (::write(ends[1], "x", 1) < 0 && errno == EPIPE) say("EPIPE");
    return 0;
  });
  EXPECT_EQ(log, "SIGPIPE EPIPE ");
}

// signal(7), "Interruption of system calls and library functions by stop signals".
TEST_F(LibcTest, AStopInterruptsEpollWaitAndNothingElse) {
  start([this] {
    say(::poll(nullptr, 0, 5000) == 0 ? "poll" : "interrupted");
    const int epoll = ::epoll_create1(0);
    epoll_event event{};
    say(::epoll_wait(epoll, &event, 1, 5000) < 0 && errno == EINTR ? "EINTR" : "other");
    return 0;
  });
  const auto stop_and_continue = [this] {
    static_cast<void>(simulation.kernel().kill(*client, server->pid, SIGSTOP));
    settle(std::chrono::seconds(1));
    static_cast<void>(simulation.kernel().kill(*client, server->pid, SIGCONT));
    settle();
  };
  stop_and_continue();
  EXPECT_EQ(log, "");
  settle(std::chrono::seconds(5));
  EXPECT_EQ(log, "poll ");
  stop_and_continue();
  EXPECT_EQ(log, "poll EINTR ");
}

}  // namespace
}  // namespace sockdrill::sim
