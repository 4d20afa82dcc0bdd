#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "harness/base/text.h"
#include "harness/stage/advice.h"
#include "harness/stage/agent/agent.h"
#include "harness/stage/home.h"
#include "harness/stage/sock_diag_probe.h"
#include "harness/stage/stage.h"
#include "harness/stage/trial.h"

namespace sockdrill {
namespace {

/// A feature from what the kernel refused: "" = available.
Feature judge(std::string name, const std::string& refusal, std::string detail, std::string costs) {
  const bool available = refusal.empty();
  return {std::move(name), available, available ? std::move(detail) : refusal, std::move(costs)};
}

std::string refusal_of(long result) { return result >= 0 ? "" : describe(last_errno()); }

// Namespaces

Feature examine_kernel() {
  utsname name{};
  static_cast<void>(::uname(&name));
  int major = 0;
  int minor = 0;
  const bool is_known = std::sscanf(name.release, "%d.%d", &major, &minor) == 2;
  return {"Linux 5.4 or later", is_known && (major > 5 || (major == 5 && minor >= 4)),
          fmt::format("{} {}", name.release, name.machine),
          "processes are told apart by descriptors (pidfd) that older kernels do not have"};
}

Feature examine_isolation(const Home& home) {
  return {"isolated stages", home.isolated,
          home.isolated ? "each server gets namespaces of its own" : home.why_degraded,
          "servers run on the host's loopback and see its processes; a fixed port serves one at a "
          "time"};
}

/// `flag` in a user namespace of its own where we lack the right otherwise.
std::string try_namespace(int flag) {
  return try_in_child([flag] {
    const bool done = ::unshare(flag) == 0 || ::unshare(CLONE_NEWUSER | flag) == 0;
    return done ? "" : describe(last_errno()) + namespace_advice();
  });
}

std::vector<Feature> examine_namespaces() {
  const std::string isolation = "no isolated stages";
  return {
      judge("user namespaces", try_namespace(CLONE_NEWUSER), "can be made",
            "ordinary users have no isolated stages; servers that refuse root cannot be run as "
            "another user by root"),
      judge("network namespaces", try_namespace(CLONE_NEWNET), "can be made", isolation),
      judge("pid namespaces", try_namespace(CLONE_NEWPID), "can be made", isolation),
      judge("mount namespaces", try_namespace(CLONE_NEWNS), "can be made", isolation),
      judge("ipc and host name namespaces", try_namespace(CLONE_NEWIPC | CLONE_NEWUTS),
            "can be made", isolation),
  };
}

Feature examine_private_proc(const Stage& stage) {
  const auto first = read_file(fmt::format("/proc/{}/root/proc/1/comm", stage.agent()));
  const bool is_private = first && first->starts_with("sockdrill-agent");
  return {
      "a /proc of the stage's own", is_private,
      is_private ? "mounted" : "the kernel refused to mount it (a container with a masked /proc?)",
      "servers see the host's processes in /proc"};
}

// Watching

std::vector<Feature> examine_watch(const Stage& stage) {
  const std::string agent = fmt::format("/proc/{}", stage.agent());
  const auto syscall = read_file(agent + "/syscall");
  const auto schedstat = read_file(agent + "/schedstat");
  const auto children = read_file("/proc/thread-self/children");
  const std::string no_rest = "no check can tell that a server is at rest";
  const auto said = [](const SysResult<std::string>& text) {
    return text ? "" : describe(text.error());
  };
  return {
      judge("sock_diag for TCP", probe_inet_diag(stage, IPPROTO_TCP), "answers", no_rest),
      judge("sock_diag for UDP", probe_inet_diag(stage, IPPROTO_UDP), "answers",
            no_rest + ", over UDP"),
      judge("sock_diag for unix sockets", probe_unix_diag(stage), "answers",
            no_rest + ", over unix sockets"),
      judge("/proc/PID/syscall", said(syscall), "readable", no_rest),
      judge("/proc/PID/schedstat", said(schedstat), "readable", no_rest),
      judge("/proc/PID/task/TID/children", said(children), "readable",
            "descendants are found by reading all of /proc, which is slower"),
  };
}

Feature examine_hash_tables(const Home& home) {
  const auto wish = read_file("/proc/sys/net/ipv4/tcp_child_ehash_entries");
  const std::string costs = "a look at a server's sockets takes 2 ms instead of 0.02";
  if (!wish) return {"small socket tables", false, describe(wish.error()), costs};
  const bool is_small = home.isolated && std::atoi(wish->c_str()) > 0;
  return {"small socket tables", is_small,
          is_small ? "tcp_child_ehash_entries = " + wish->substr(0, wish->find('\n'))
                   : "net.ipv4.tcp_child_ehash_entries could not be set (/proc/sys is read-only?)",
          costs};
}

// Faults

/// Sets a limit of a running process to what it is.
std::string try_prlimit(pid_t pid) {
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) != 0) return describe(last_errno());
  return refusal_of(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr));
}

std::string try_ptrace() {
  return try_in_child([]() -> std::string {
    const pid_t traced = ::fork();
    if (traced == 0) {
      for (;;) ::pause();
    }
    const std::string refusal =
        refusal_of(::ptrace(PTRACE_SEIZE, traced, nullptr, PTRACE_O_EXITKILL));
    static_cast<void>(::kill(traced, SIGKILL));
    static_cast<void>(::waitpid(traced, nullptr, 0));
    return refusal;
  });
}

std::string try_seccomp() {
  const std::uint32_t action = SECCOMP_RET_TRACE;
  return refusal_of(::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

std::string try_pidfd_getfd(pid_t pid) {
  const OwnedFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!process.is_open()) return describe(last_errno());
  const OwnedFd stolen{static_cast<int>(::syscall(SYS_pidfd_getfd, process.raw(), 0, 0))};
  return refusal_of(stolen.raw());
}

std::vector<Feature> examine_faults(const Stage& stage) {
  return {
      judge("limits of a running process (prlimit)", try_prlimit(stage.agent()), "can be set",
            "no checks of servers that run out of descriptors"),
      judge("a limit of processes (seccomp notifications)", why_no_process_limit(),
            "can be reached", "no checks of servers that run out of processes or threads"),
      judge("system call tracing (ptrace)", try_ptrace(), "allowed",
            "no record of system calls, no injected errors"),
      judge("system call filters (seccomp)", try_seccomp(), "available",
            "tracing stops at every system call, which is slower"),
      judge("a server's descriptors (pidfd_getfd)", try_pidfd_getfd(stage.agent()),
            "can be borrowed", "no shrinking of a server's socket buffers"),
  };
}

// The network

std::string try_ipv6(const Stage& stage) {
  const auto made = stage.socket(AF_INET6, SOCK_STREAM, 0);
  if (!made) return describe(made.error());
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  return refusal_of(
      ::bind(made->raw(), reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback));
}

std::string try_packets(const Stage& stage) {
  const auto made = stage.blocking_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  return made ? "" : describe(made.error());
}

std::string try_link_of(const char* kind) {
  return try_in_child([kind]() -> std::string {
    if (::unshare(CLONE_NEWNET) != 0) return describe(last_errno());
    const long result = agent::try_link(kind);
    return result == 0 ? "" : describe(Errno{static_cast<int>(-result)});
  });
}

std::string try_broadcast(const Home& home) {
  const auto stage = Stage::open(home, {.broadcast_link = true});
  return stage ? "" : stage.error().message;
}

std::vector<Feature> examine_network(const Home& home, const Stage& stage) {
  return {
      judge("IPv6", try_ipv6(stage), "::1 can be bound", "no checks over IPv6"),
      judge("a link that can broadcast", try_broadcast(home), "can be made",
            "no checks of broadcasts"),
      judge("bridges", try_link_of("bridge"), "can be made",
            "a dummy or veth link carries broadcasts instead"),
      judge("veth pairs", try_link_of("veth"), "can be made", "no packet faults"),
      judge("raw packets (AF_PACKET)", try_packets(stage), "can be sent and received",
            "no packet faults"),
  };
}

// Resources

Feature examine_descriptors() {
  constexpr rlim_t kForCrowds = 16384;
  rlimit limit{};
  static_cast<void>(::getrlimit(RLIMIT_NOFILE, &limit));
  const std::string hard =
      limit.rlim_max == RLIM_INFINITY ? "unlimited" : with_separators(limit.rlim_max);
  return {"descriptors for crowds", limit.rlim_max >= kForCrowds,
          fmt::format("{} at most (ulimit -Hn)", hard),
          "crowds of clients are smaller; 10,000 clients need 16,384 descriptors"};
}

/// Of the second and later, the path in "0::/user.slice" or "4:memory:/docker/...".
Feature examine_cgroups() {
  const bool is_v2 = ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
  const char* folder = is_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
  const bool exists = ::access(folder, F_OK) == 0;
  const bool is_writable = ::access(folder, W_OK) == 0;
  const std::string version = is_v2 ? "version 2" : "version 1";
  return {"control groups", is_writable,
          !exists ? "not mounted" : version + (is_writable ? ", writable" : ", not writable"),
          "a server's memory is limited by address space (RLIMIT_AS) only"};
}

void append(std::vector<Feature>& into, std::vector<Feature> more) {
  for (Feature& feature : more) into.push_back(std::move(feature));
}

}  // namespace

std::vector<Feature> examine(const Home& home) {
  std::vector<Feature> features{examine_kernel(), examine_isolation(home)};
  append(features, examine_namespaces());
  const auto stage = Stage::open(home, {});
  features.push_back(judge("opening a stage", stage ? "" : stage.error().message, "works",
                           "no server can be run at all"));
  if (stage) {
    if (home.isolated) features.push_back(examine_private_proc(**stage));
    append(features, examine_watch(**stage));
    features.push_back(examine_hash_tables(home));
    append(features, examine_faults(**stage));
    append(features, examine_network(home, **stage));
  }
  features.push_back(examine_descriptors());
  features.push_back(examine_cgroups());
  return features;
}

}  // namespace sockdrill
