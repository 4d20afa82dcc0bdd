// sockdrill-agent: the first process of a stage. It sets the stage up, starts what it is asked to
// start, reaps every orphan, tells how they ended, and goes when the stage's socket closes; in a
// pid namespace the kernel then ends everything else.

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "harness/stage/agent/agent.h"

namespace sockdrill::agent {
namespace {

using protocol::kControlFd;
using protocol::Kind;
using protocol::Report;
using protocol::Step;

/// Processes that we were asked to start and that have not ended: only those are reported.
struct Started {
  static constexpr std::size_t kMost = 4096;
  pid_t pids[kMost] = {};
  std::size_t count = 0;

  [[nodiscard]] bool is_full() const { return count == kMost; }
  void add(pid_t pid) { pids[count++] = pid; }
  bool take(pid_t pid) {
    for (std::size_t i = 0; i < count; ++i) {
      if (pids[i] != pid) continue;
      pids[i] = pids[--count];
      return true;
    }
    return false;
  }
};

/// False when the stage is gone.
bool send_message(const Report& report, const void* ancillary, std::size_t ancillary_bytes) {
  iovec part{const_cast<Report*>(&report), protocol::kReportHeadBytes + report.text_bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary_bytes > 0 ? const_cast<void*>(ancillary) : nullptr;
  message.msg_controllen = ancillary_bytes;
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(kControlFd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

bool send_failure(Kind kind, const Outcome& outcome) {
  Report report;
  report.kind = kind;
  report.step = outcome.step;
  report.error = outcome.error;
  return send_message(report, nullptr, 0);
}

/// The kernel translates the pid in SCM_CREDENTIALS into the stage's pid namespace on the way, and
/// a pidfd means the same process everywhere.
bool send_started(pid_t pid, bool translates_pid) {
  Report report;
  report.kind = Kind::started;
  report.pid = pid;
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))] = {};
  std::size_t used = 0;
  const auto put = [&](int type, const void* data, std::size_t size) {
    auto* header = reinterpret_cast<cmsghdr*>(ancillary + used);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), data, size);
    used += CMSG_SPACE(size);
  };
  if (translates_pid) {
    const ucred identity{pid, ::getuid(), ::getgid()};
    put(SCM_CREDENTIALS, &identity, sizeof identity);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd >= 0) put(SCM_RIGHTS, &pidfd, sizeof pidfd);
  const bool sent = send_message(report, ancillary, used);
  if (pidfd >= 0) static_cast<void>(::close(pidfd));
  return sent;
}

/// False when the stage is gone.
bool reap(Started& started) {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return true;
    if (!started.take(pid)) continue;
    Report report;
    report.kind = Kind::ended;
    report.pid = pid;
    report.status = status;
    if (!send_message(report, nullptr, 0)) return false;
  }
}

/// Receives a message; the descriptors that came with it go to `fds` (as many as there is room
/// for). The size of the message; 0 or less when the stage is gone.
ssize_t receive(void* into, std::size_t size, int* fds, std::size_t fd_count) {
  iovec part{into, size};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  ssize_t count = 0;
  do {
    count = ::recvmsg(kControlFd, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (count > 0 && header != nullptr && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(fd_count * sizeof(int))) {
    std::memcpy(fds, CMSG_DATA(header), fd_count * sizeof(int));
  }
  return count;
}

/// False when the stage is gone.
bool serve(Started& started, bool is_isolated) {
  protocol::Start start;
  int fds[4] = {-1, -1, -1, -1};
  if (receive(&start, sizeof start, fds, 4) <= 0) return false;
  pid_t pid = -1;
  Outcome outcome{Step::child, EAGAIN};
  if (!started.is_full()) {
    outcome = spawn(start, StartFds{fds[0], fds[1], fds[2], fds[3]}, !is_isolated, pid);
  }
  for (const int fd : fds) static_cast<void>(::close(fd));
  if (outcome.failed()) return send_failure(Kind::start_failed, outcome);
  started.add(pid);
  return send_started(pid, is_isolated);
}

/// Until the stage is gone.
void serve_until_end(int child_signals, bool is_isolated) {
  static Started started;
  for (;;) {
    pollfd waits[2] = {{kControlFd, POLLIN, 0}, {child_signals, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) continue;
    if (waits[1].revents != 0) {
      signalfd_siginfo ignored[8];
      static_cast<void>(::read(child_signals, ignored, sizeof ignored));
      if (!reap(started)) return;
    }
    if (waits[0].revents != 0 && !serve(started, is_isolated)) return;
  }
}

/// Nothing of our parent's stays with us or with what we start: descriptors, dispositions,
/// terminal.
Outcome shed_inheritance() {
  const int nowhere = ::open("/dev/null", O_RDWR);
  if (nowhere < 0) return failure(Step::standard_streams);
  for (int fd = 0; fd < 3; ++fd) static_cast<void>(::dup2(nowhere, fd));
  if (::fcntl(kControlFd, F_SETFD, FD_CLOEXEC) != 0) return failure(Step::protocol);
  if (::syscall(SYS_close_range, kControlFd + 1, ~0U, 0) != 0) {
    for (int fd = kControlFd + 1; fd < 65536; ++fd) static_cast<void>(::close(fd));
  }
  for (int number = 1; number < NSIG; ++number) static_cast<void>(::signal(number, SIG_DFL));
  return {};
}

void set_soft_descriptor_limit(std::uint64_t soft) {
  rlimit limit{};
  if (soft == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

int run() {
  sigset_t all;
  static_cast<void>(::sigfillset(&all));
  static_cast<void>(::sigprocmask(SIG_SETMASK, &all, nullptr));
  Outcome outcome = shed_inheritance();
  static protocol::SetUp wishes;
  if (!outcome.failed() && receive(&wishes, sizeof wishes, nullptr, 0) <= 0) return 1;
  const bool is_isolated = wishes.isolated != 0;
  static TempFolder temp;
  if (!outcome.failed()) {
    outcome = is_isolated ? set_up_isolated(wishes, temp) : set_up_degraded(wishes, temp);
  }
  if (outcome.failed()) {
    static_cast<void>(send_failure(Kind::setup_failed, outcome));
    return 1;
  }
  set_soft_descriptor_limit(wishes.soft_descriptors);
  sigset_t child;
  static_cast<void>(::sigemptyset(&child));
  static_cast<void>(::sigaddset(&child, SIGCHLD));
  const int child_signals = ::signalfd(-1, &child, SFD_CLOEXEC);
  // Set for the time of the set-up only: it would also fire when the thread that opened the stage
  // ends.
  if (is_isolated) static_cast<void>(::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));

  static Report report;
  report.kind = Kind::ready;
  report.text_bytes = static_cast<std::uint32_t>(std::strlen(temp.path));
  std::memcpy(report.text, temp.path, report.text_bytes);
  if (send_message(report, nullptr, 0)) serve_until_end(child_signals, is_isolated);
  if (is_isolated) return 0;
  kill_descendants();
  remove_tree(temp.path);
  return 0;
}

}  // namespace
}  // namespace sockdrill::agent

int main() { return sockdrill::agent::run(); }
