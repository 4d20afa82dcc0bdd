// sockdrill-agent: the first process of a stage. It sets the stage up, starts what it is asked to
// start, reaps every orphan, tells how they ended, and goes when the stage's socket closes; in a
// pid namespace the kernel then ends everything else.

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <csignal>

#include "harness/stage/agent/agent.h"
#include "harness/stage/agent/kernel.h"

namespace sockdrill::agent {
namespace {

using protocol::kControlFd;
using protocol::Kind;
using protocol::Report;
using protocol::Step;

/// The kernel's ucred, which the C library shows only to GNU programs.
struct Identity {
  pid_t pid;
  uid_t user;
  gid_t group;
};

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

/// The gates of those processes (gate.cpp), as poll(2) wants them, behind our own descriptors.
struct Waits {
  static constexpr std::size_t kOurs = 2;  ///< the stage, and signals
  static constexpr std::size_t kMost = 64;
  pollfd fds[kMost] = {};
  std::size_t count = kOurs;
  bool refuses_processes = false;

  void add_gate(int gate) {
    if (count == kMost) return kernel::close(gate);  // Whoever comes to it gets ENOSYS.
    fds[count++] = {gate, POLLIN, 0};
  }
  void answer_at_gates() {
    for (std::size_t i = kOurs; i < count; ++i) {
      if ((fds[i].revents & POLLIN) != 0) answer_at_gate(fds[i].fd, refuses_processes);
      if ((fds[i].revents & POLLHUP) == 0) continue;
      // Nobody is left who could come.
      kernel::close(fds[i].fd);
      fds[i] = fds[--count];
      --i;
    }
  }
};

/// Control messages under construction.
class Ancillary {
 public:
  template <typename Value>
  void put(int type, const Value& value) {
    auto* header = reinterpret_cast<cmsghdr*>(bytes_ + used_);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    __builtin_memcpy(CMSG_DATA(header), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }
  void attach_to(msghdr& message) {
    if (used_ == 0) return;
    message.msg_control = bytes_;
    message.msg_controllen = used_;
  }

 private:
  alignas(cmsghdr) char bytes_[CMSG_SPACE(sizeof(Identity)) + CMSG_SPACE(sizeof(int))] = {};
  std::size_t used_ = 0;
};

/// False when the stage is gone.
bool send_report(Report& report, Ancillary ancillary = {}) {
  iovec part{&report, protocol::kReportHeadBytes + report.text_bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ancillary.attach_to(message);
  return kernel::call(SYS_sendmsg, kControlFd, &message, MSG_NOSIGNAL) >= 0;
}

bool send_failure(Kind kind, const Outcome& outcome) {
  Report report;
  report.kind = kind;
  report.step = outcome.step;
  report.error = outcome.error;
  return send_report(report);
}

/// The kernel translates the pid of SCM_CREDENTIALS into the stage's pid namespace on the way, and
/// a pidfd means the same process everywhere.
bool send_started(pid_t pid, bool translates_pid) {
  Report report;
  report.kind = Kind::started;
  report.pid = pid;
  Ancillary ancillary;
  if (translates_pid) {
    ancillary.put(SCM_CREDENTIALS, Identity{pid, static_cast<uid_t>(kernel::call(SYS_getuid)),
                                            static_cast<gid_t>(kernel::call(SYS_getgid))});
  }
  const int pidfd = static_cast<int>(kernel::call(SYS_pidfd_open, pid, 0));
  if (pidfd >= 0) ancillary.put(SCM_RIGHTS, pidfd);
  const bool is_sent = send_report(report, ancillary);
  if (pidfd >= 0) kernel::close(pidfd);
  return is_sent;
}

/// False when the stage is gone.
bool reap(Started& started) {
  int status = 0;
  for (pid_t pid = 0; (pid = kernel::reap_one(&status)) > 0;) {
    if (!started.take(pid)) continue;
    Report report;
    report.kind = Kind::ended;
    report.pid = pid;
    report.status = status;
    if (!send_report(report)) return false;
  }
  return true;
}

/// The size of a message, 0 or less when the stage is gone. Descriptors that come with it go to
/// `fds`.
long receive(void* into, std::size_t size, int* fds, std::size_t fd_count) {
  iovec part{into, size};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  const long count = kernel::call(SYS_recvmsg, kControlFd, &message, MSG_CMSG_CLOEXEC);
  const auto* header = reinterpret_cast<const cmsghdr*>(ancillary);
  if (count > 0 && message.msg_controllen >= CMSG_LEN(fd_count * sizeof(int)) && fd_count > 0 &&
      header->cmsg_type == SCM_RIGHTS) {
    __builtin_memcpy(fds, CMSG_DATA(header), fd_count * sizeof(int));
  }
  return count;
}

/// False when the stage is gone.
bool serve(Started& started, Waits& waits, bool is_isolated) {
  protocol::Start start;
  int fds[4] = {-1, -1, -1, -1};
  if (receive(&start, sizeof start, fds, 4) <= 0) return false;
  if (start.wish != protocol::Wish::start) {
    waits.refuses_processes = start.wish == protocol::Wish::refuse_processes;
    return true;
  }
  pid_t pid = -1;
  int gate = -1;
  Outcome outcome{Step::child, EAGAIN};
  if (!started.is_full()) {
    outcome = spawn(start, StartFds{fds[0], fds[1], fds[2], fds[3]}, !is_isolated, pid, gate);
  }
  for (const int fd : fds) kernel::close(fd);
  if (gate >= 0) waits.add_gate(gate);
  if (outcome.failed()) return send_failure(Kind::start_failed, outcome);
  started.add(pid);
  return send_started(pid, is_isolated);
}

/// Without waiting.
bool has_wish() {
  pollfd wait{kControlFd, POLLIN, 0};
  const std::int64_t no_time[2] = {0, 0};
  return kernel::call(SYS_ppoll, &wait, 1, no_time, nullptr, 0) > 0;
}

/// Until the stage is gone.
void serve_until_end(int child_signals, bool is_isolated) {
  static Started started;
  static Waits waits;
  waits.fds[0] = {kControlFd, POLLIN, 0};
  waits.fds[1] = {child_signals, POLLIN, 0};
  for (;;) {
    if (kernel::call(SYS_ppoll, waits.fds, waits.count, nullptr, nullptr, 0) < 0) continue;
    if (waits.fds[1].revents != 0) {
      signalfd_siginfo ignored[4];
      kernel::read(child_signals, ignored, sizeof ignored);
      if (!reap(started)) return;
    }
    // What the stage wished before somebody came to a gate must be known there, even if poll(2)
    // looked at our socket first.
    const std::size_t gates = waits.count;
    while (has_wish()) {
      if (!serve(started, waits, is_isolated)) return;
    }
    for (std::size_t i = gates; i < waits.count; ++i) waits.fds[i].revents = 0;
    waits.answer_at_gates();
  }
}

/// Nothing of our parent's stays with us or with what we start: descriptors, dispositions,
/// terminal.
Outcome shed_inheritance() {
  const int nowhere = kernel::open("/dev/null", O_RDWR);
  if (nowhere < 0) return outcome_of(Step::standard_streams, nowhere);
  for (int fd = 0; fd < 3; ++fd) kernel::call(SYS_dup3, nowhere, fd, 0);
  kernel::call(SYS_fcntl, kControlFd, F_SETFD, FD_CLOEXEC);
  if (kernel::call(SYS_close_range, kControlFd + 1, ~0U, 0) < 0) {
    for (int fd = kControlFd + 1; fd < 65536; ++fd) kernel::close(fd);
  }
  // Only ignoring is inherited through exec; a zeroed struct sigaction is the default disposition.
  constexpr int kSignals = 64;
  const std::uint64_t default_action[4] = {};
  for (int number = 1; number <= kSignals; ++number) {
    kernel::call(SYS_rt_sigaction, number, default_action, nullptr, sizeof(std::uint64_t));
  }
  return {};
}

void set_soft_descriptor_limit(std::uint64_t soft) {
  std::uint64_t limit[2] = {};
  if (soft == 0 || kernel::call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, limit) < 0) return;
  limit[0] = soft < limit[1] ? soft : limit[1];
  kernel::call(SYS_prlimit64, 0, RLIMIT_NOFILE, limit, nullptr);
}

int run() {
  const std::uint64_t all_signals = ~std::uint64_t{0};
  kernel::call(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, nullptr, sizeof all_signals);
  protocol::SetUp wishes;
  Report ready;
  Outcome outcome = shed_inheritance();
  if (receive(&wishes, sizeof wishes, nullptr, 0) <= 0) return 1;
  const bool is_isolated = wishes.isolated != 0;
  if (!outcome.failed()) {
    outcome =
        is_isolated ? set_up_isolated(wishes, ready.text) : set_up_degraded(wishes, ready.text);
  }
  if (outcome.failed()) {
    send_failure(Kind::setup_failed, outcome);
    return 1;
  }
  set_soft_descriptor_limit(wishes.soft_descriptors);
  const std::uint64_t child_signal = std::uint64_t{1} << (SIGCHLD - 1);
  const int child_signals = static_cast<int>(
      kernel::call(SYS_signalfd4, -1, &child_signal, sizeof child_signal, SFD_CLOEXEC));
  // Set for the time of the set-up only: it would also fire when the thread that opened the stage
  // ends.
  if (is_isolated) kernel::prctl(PR_SET_PDEATHSIG, 0);
  ready.text_bytes = static_cast<std::uint32_t>(length_of(ready.text));
  if (send_report(ready)) serve_until_end(child_signals, is_isolated);
  if (is_isolated) return 0;
  kill_descendants();
  remove_tree(ready.text);
  return 0;
}

}  // namespace
}  // namespace sockdrill::agent

#if !defined(SOCKDRILL_FREESTANDING)
int main() { return sockdrill::agent::run(); }
#else
extern "C" [[noreturn, gnu::used]] void sockdrill_agent_start() {
  sockdrill::agent::kernel::exit(sockdrill::agent::run());
}
#if defined(__x86_64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  and $-16, %rsp\n"
    "  call sockdrill_agent_start\n");
#elif defined(__aarch64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov x29, 0\n"
    "  mov x30, 0\n"
    "  bl sockdrill_agent_start\n");
#endif
#endif
