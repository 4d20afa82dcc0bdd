#include "harness/stage/agent_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "harness/base/try.h"
#include "harness/stage/agent/kernel.h"

// The child of a vfork-style clone runs in our memory: no sanitizer may count its calls, which
// never return.
#if defined(__clang__)
#define SOCKDRILL_BARE __attribute__((disable_sanitizer_instrumentation))
#else
#define SOCKDRILL_BARE __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

namespace sockdrill {

using protocol::kControlFd;
using protocol::Kind;
using protocol::Report;
using protocol::SetUp;
using protocol::Start;
using protocol::Step;

namespace {

/// What the child needs, prepared before clone(2): between clone and exec no C++ of ours runs.
struct ChildTask {
  const char* path = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  int control = -1;
  bool dies_with_thread = false;
  int error = 0;
};

SOCKDRILL_BARE int exec_agent(void* argument) {
  auto* task = static_cast<ChildTask*>(argument);
  // Until the agent is set up and watches its socket. It takes this back: it would fire when our
  // *thread* ends.
  if (task->dies_with_thread) ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Our descriptors are copies here. The one that must survive exec goes where the agent expects
  // it.
  if (task->control == kControlFd) {
    ::syscall(SYS_fcntl, kControlFd, F_SETFD, 0);
  } else {
    ::syscall(SYS_dup3, task->control, kControlFd, 0);
  }
  ::syscall(SYS_execve, task->path, task->arguments, task->environment);
  task->error = errno;
  ::syscall(SYS_exit_group, 127);
  return 127;
}

/// Blocks everything, also the signals that the C library keeps to itself: a handler must not run
/// in a child that borrows our memory. The agent starts with all blocked, as it wants.
class SignalsBlocked final {
 public:
  SignalsBlocked() {
    const std::uint64_t all = ~std::uint64_t{0};
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof before_);
  }
  ~SignalsBlocked() {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;
};

/// Of our environment only what is ours: less to copy for each stage.
std::vector<char*> agent_environment() {
  std::vector<char*> words;
  for (char** word = environ; word != nullptr && *word != nullptr; ++word) {
    if (std::string_view(*word).starts_with("SOCKDRILL_")) words.push_back(*word);
  }
  words.push_back(nullptr);
  return words;
}

struct ControlPair {
  OwnedFd ours;
  OwnedFd theirs;
};

SysResult<ControlPair> make_control_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail(last_errno());
  }
  ControlPair pair{OwnedFd{ends[0]}, OwnedFd{ends[1]}};
  const int on = 1;
  if (::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return fail(last_errno());
  }
  return pair;
}

std::string explain_clone(Errno error) {
  // clone(2): not about disks.
  const bool is_a_limit = error == Errno{ENOSPC} || error == Errno{EUSERS};
  return describe(error) +
         (is_a_limit ? "; there are as many as /proc/sys/user/max_*_namespaces allow" : "");
}

/// pid and pidfd of a vfork-style child, once it has exec'ed; or what clone or exec said.
Result<AgentProcess> clone_agent(ChildTask& task, int namespaces) {
  constexpr std::size_t kStackBytes = 32768;
  const std::unique_ptr<char[]> stack(new char[kStackBytes]);
  int pidfd = -1;
  long pid = -1;
  {
    const SignalsBlocked blocked;
    pid =
        agent::kernel::borrow_memory(CLONE_PIDFD | SIGCHLD | static_cast<unsigned long>(namespaces),
                                     &pidfd, stack.get() + kStackBytes, exec_agent, &task);
  }
  if (pid < 0) {
    return fail("creating namespaces: " + explain_clone(Errno{static_cast<int>(-pid)}));
  }
  AgentProcess agent{static_cast<pid_t>(pid), OwnedFd{pidfd}, {}};
  if (task.error != 0) {
    static_cast<void>(await_end(agent, Deadline::after(std::chrono::seconds(10))));
    return fail(fmt::format("starting {}: {}", task.path, describe(Errno{task.error})));
  }
  return agent;
}

void read_ancillary(msghdr& message, News& news) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred identity{};
      std::memcpy(&identity, CMSG_DATA(header), sizeof identity);
      news.outer_pid = identity.pid;
    } else if (header->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      news.pidfd = OwnedFd{fd};
    }
  }
}

}  // namespace

void wait_until_readable(Fd fd, Deadline deadline) {
  pollfd wait{raw(fd), POLLIN, 0};
  static_cast<void>(::poll(&wait, 1, deadline.left_ms()));
}

bool is_readable(Fd fd) {
  pollfd asked{raw(fd), POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

std::string to_string(Step step) {
  switch (step) {
    case Step::none:
      return "nothing";
    case Step::protocol:
      return "talking to the agent";
    case Step::descriptors:
      return "setting descriptors up";
    case Step::private_mounts:
      return "making mounts private";
    case Step::hostname:
      return "setting the host name";
    case Step::temp_folder:
      return "making a temporary folder";
    case Step::loopback:
      return "bringing loopback up";
    case Step::ordinary_address:
      return "giving loopback a second address";
    case Step::broadcast_link:
      return "making a link that can broadcast";
    case Step::broadcast_routes:
      return "adding the routes for broadcasts";
    case Step::subreaper:
      return "becoming a subreaper";
    case Step::request:
      return "reading the request";
    case Step::child:
      return "creating a process";
    case Step::session:
      return "starting a session";
    case Step::standard_streams:
      return "setting standard streams up";
    case Step::identity:
      return "changing the user";
    case Step::working_directory:
      return "changing to the working directory";
    case Step::descriptor_limit:
      return "limiting descriptors";
    case Step::memory_limit:
      return "limiting memory";
    case Step::process_limit:
      return "limiting processes";
    case Step::low_ports:
      return "giving up ports below 1024";
    case Step::process_gate:
      return "preparing a limit of processes";
    case Step::search_path:
      return "searching PATH";
    case Step::interpreter:
      return "finding the interpreter";
    case Step::exec:
      return "executing";
  }
  return "an unknown step";
}

Result<AgentProcess> launch_agent(const std::string& path, const SetUp& wishes) {
  auto pair = make_control_pair();
  if (!pair) return fail(fmt::format("socketpair: {}", describe(pair.error())));
  if (::send(pair->ours.raw(), &wishes, sizeof wishes, MSG_NOSIGNAL) < 0) {
    return fail(fmt::format("talking to the agent: {}", describe(last_errno())));
  }
  std::string name = "sockdrill-agent";
  const std::array<char*, 2> arguments{name.data(), nullptr};
  const std::vector<char*> environment = agent_environment();
  const bool isolated = wishes.isolated != 0;
  ChildTask task{.path = path.c_str(),
                 .arguments = arguments.data(),
                 .environment = environment.data(),
                 .control = pair->theirs.raw(),
                 .dies_with_thread = isolated};
  const int namespaces =
      isolated ? CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS : 0;
  AgentProcess agent = TRY(clone_agent(task, namespaces));
  agent.control = std::move(pair->ours);
  return agent;
}

SysResult<News> receive_news(Fd control) {
  Report report;
  iovec part{&report, sizeof report};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))>
      ancillary{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(raw(control), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return fail(last_errno());
  if (count == 0) return fail(Errno{ECONNRESET});
  News news{.kind = report.kind,
            .step = report.step,
            .error = Errno{report.error},
            .pid = report.pid,
            .status = report.status,
            .text = std::string(report.text, report.text_bytes)};
  read_ancillary(message, news);
  return news;
}

SysResult<News> await_news(Fd control, Deadline deadline) {
  for (;;) {
    SysResult<News> news = receive_news(control);
    if (news || news.error() != Errno{EAGAIN} || deadline.has_passed()) return news;
    wait_until_readable(control, deadline);
  }
}

SysResult<void> send_start(Fd control, const Start& start, const std::array<Fd, 4>& fds) {
  iovec part{const_cast<Start*>(&start), sizeof start};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> ancillary{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
  if (::sendmsg(raw(control), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return fail(last_errno());
  return {};
}

SysResult<void> send_wish(Fd control, protocol::Wish wish) {
  const Start message{.wish = wish};
  if (::send(raw(control), &message, sizeof message, MSG_NOSIGNAL) < 0) return fail(last_errno());
  return {};
}

std::optional<int> await_end(const AgentProcess& agent, Deadline deadline) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(agent.pid, &status, WNOHANG);
    if (ended == agent.pid) return status;
    // With SIGCHLD ignored (inherited, say) the kernel reaps for us and forgets the status.
    if (ended < 0 && errno == ECHILD) return 0;
    if (deadline.has_passed()) return std::nullopt;
    wait_until_readable(agent.pidfd.get(), deadline);
  }
}

}  // namespace sockdrill
