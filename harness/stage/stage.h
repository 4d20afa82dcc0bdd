#pragma once

// The isolation that one server instance lives in.
//
// A stage is a set of namespaces of its own (net, pid, mount, ipc, uts; and user, where we are not
// root) behind a tiny static agent of ours, which is PID 1 there: it sets loopback up, starts what
// it is asked to start, reaps every orphan and tells us how they ended. The agent holds one socket
// to us; when that closes, for whatever reason, it exits and the kernel ends everything in its pid
// namespace. So nothing outlives us, kill -9 included.
//
// Where namespaces are forbidden the stage is *degraded*: the host's loopback, a process group of
// its own and a subreaper agent; what the agent cannot see ended by the kernel, it ends itself by
// walking its descendants.
//
// A Stage is used from one thread at a time. No call blocks longer than its deadline.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/address.h"
#include "harness/base/deadline.h"
#include "harness/base/fd.h"
#include "harness/stage/home.h"

namespace sockdrill {

/// Resource limits a process starts with (getrlimit(2)); what is not given is inherited.
struct ProcessLimits {
  std::optional<std::uint64_t> descriptors;   ///< RLIMIT_NOFILE, soft and hard
  std::optional<std::uint64_t> memory_bytes;  ///< RLIMIT_AS
  std::optional<std::uint64_t> processes;     ///< RLIMIT_NPROC (does not bind root)
};

/// What a process inherits over execve(2) from whoever starts it, and servers take for granted.
struct Inheritance {
  bool closed_streams = false;  ///< nothing at 0, 1 and 2, so that socket(2) gives them out
  int ignored_signal = 0;  ///< its disposition is SIG_IGN (signal(7)); 0 = all have the default
};

struct Launch {
  std::vector<std::string> command;  ///< argv; [0] is looked up in the PATH of this launch
  std::string working_directory;     ///< "" = ours; relative paths in `command` start here
  std::map<std::string, std::string>
      environment;  ///< added to, or replacing, what we have ourselves
  ProcessLimits limits;
  bool wants_input = false;  ///< a pipe to stdin; otherwise /dev/null
  /// On an isolated stage a process is root of the stage's user namespace (or of the machine, where
  /// we are root). With this it is user 1000 without capabilities: ports below 1024 are refused,
  /// and servers that will not run as root run. Degraded stages leave it as we are.
  bool as_ordinary_user = false;
  /// Without CAP_NET_BIND_SERVICE, all else unchanged: ports below 1024 are refused (ip(7) EACCES).
  bool without_low_ports = false;
  /// Stage::reach_process_limit() is about this process and its descendants.
  bool has_process_limit = false;
  Inheritance inheritance;
};

/// How a process ended (wait(2)).
struct ExitStatus {
  bool was_signalled = false;
  int code = 0;  ///< exit status, or the signal's number
  bool dumped_core = false;
  bool operator==(const ExitStatus&) const = default;
};
/// "exited with status 1", "was killed by SIGPIPE (signal 13)".
std::string to_string(const ExitStatus& status);

/// What was written to stdout or stderr: the first and the last 64 KiB, and how much there was in
/// all.
class OutputTail final {
 public:
  static constexpr std::size_t kKept = 65536;
  void append(std::string_view text);
  [[nodiscard]] std::uint64_t total() const { return total_; }
  /// The whole, or head and tail around "[... N bytes left out ...]".
  [[nodiscard]] std::string text() const;

 private:
  std::string head_;
  std::string tail_;
  std::uint64_t total_ = 0;
};

/// A process on the stage: a server, a second instance, a client program. `pid` is as *we* see it.
struct StageProcess {
  pid_t pid = -1;
  OutputTail out;
  OutputTail err;
  OwnedFd
      input;  ///< the pipe to its stdin, when the launch wanted one; non-blocking. Ignore SIGPIPE.
  std::optional<ExitStatus> exited;  ///< set by pump() once it has ended and been reaped
};

/// Loopback of an isolated stage has 127.0.0.1/8, ::1 and this one (RFC 5737), for servers that
/// distrust sources in 127/8.
inline constexpr const char* kOrdinaryAddress = "192.0.2.129";
/// What a broadcast link has, and whom it reaches.
inline constexpr const char* kLinkAddress = "192.0.2.1";
inline constexpr const char* kLinkBroadcast = "192.0.2.255";

struct StageOptions {
  /// A link that can broadcast, eth0 with kLinkAddress/24, beside loopback, and the routes that
  /// make 255.255.255.255 and multicasts leave by it. Refused where stages are degraded.
  bool broadcast_link = false;
};

/// Whether Launch::without_low_ports makes a difference: an administrator, and containers, may let
/// everybody have ports below 1024 (ip_unprivileged_port_start); a network of our own has them so.
bool has_low_ports(const Home& home);

/// What the kernel refuses for Launch::has_process_limit; "" = nothing. From any thread.
std::string why_no_process_limit();

class Stage final {
 public:
  /// Builds the namespaces and starts the agent. `home` outlives the stage. The error names the
  /// step that the kernel refused.
  static Result<std::unique_ptr<Stage>> open(const Home& home, const StageOptions& options);
  /// Kills whatever is left, at once. close() first for an orderly end.
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// Starts a process. The error says what exec said ("redis-serverr: not found in PATH", "x.sh:
  /// permission denied"). The reference lives as long as the stage.
  Result<StageProcess*> start(const Launch& launch, Deadline deadline);
  /// Signals one process (not its group). ESRCH once it has been reaped.
  SysResult<void> signal(const StageProcess& process, int signal_number);
  /// The soft RLIMIT_NOFILE of a *running* process (prlimit(2)); the hard one stays, so it can be
  /// raised again.
  SysResult<void> set_soft_descriptor_limit(const StageProcess& process, std::uint64_t limit);

  /// From now on, or no longer, fork(2), clone(2) and their kin fail with EAGAIN in the processes
  /// that were launched with a process limit, as when RLIMIT_NPROC or a cgroup's pids.max is
  /// reached; those two do not bind root, or need rights that we seldom have.
  SysResult<void> reach_process_limit(bool is_reached);

  /// Readable when pump() has something to take in. It lives as long as the stage.
  [[nodiscard]] Fd news() const;
  /// Takes in, without blocking, all output and all news of the agent. Output of a process is
  /// complete once `exited` is set and its pipes are at their end or held open only by something it
  /// left behind.
  void pump();
  /// Sleeps until there is news, or the deadline has passed; then pump().
  void wait(Deadline deadline);
  /// How it has ended; nothing: it runs. Of one whose main thread has ended, or that is not there
  /// at all, the agent's news is on the way and is waited for. A pidfd tells of it later, when all
  /// its threads are gone: clients have then long seen the end of their connections.
  std::optional<ExitStatus> end_of(const StageProcess& process);
  /// Stops (or resumes) taking in a process's stdout and stderr: for checks of servers whose log
  /// nobody reads.
  void set_draining(StageProcess& process, bool drains);

  /// A socket made inside the stage's network namespace, close-on-exec and non-blocking; usable
  /// from any thread.
  [[nodiscard]] SysResult<OwnedFd> socket(int domain, int type, int protocol) const;
  /// The same for NETLINK_SOCK_DIAG and AF_PACKET; blocking.
  [[nodiscard]] SysResult<OwnedFd> blocking_socket(int domain, int type, int protocol) const;
  /// A TCP or UDP port nobody uses here. Always `wished` when isolated and wished != 0; another one
  /// when degraded and the wished one is taken. Degraded, no other stage is given the same one
  /// until this stage ends or asks again.
  [[nodiscard]] Result<std::uint16_t> free_port(Transport transport, std::uint16_t wished);

  /// A folder that lives and dies with the stage: its path as the server sees it ({tmp}) ...
  [[nodiscard]] const std::string& temp_inside() const;
  /// ... and as we reach it (through /proc/AGENT/root; for connect(2) and to look at files). A
  /// client socket bound to such a path has a name that means nothing to the server: let those of
  /// unix-dgram autobind, the abstract names of a stage are its own.
  [[nodiscard]] const std::string& temp_outside() const;

  [[nodiscard]] bool is_isolated() const;
  [[nodiscard]] pid_t agent() const;
  /// Live processes on the stage other than the agent (outer pids), for "nothing left over" and for
  /// the watch.
  [[nodiscard]] std::vector<pid_t> processes() const;

  /// Kills everything, reaps, removes, takes in the last output. True when the kernel confirmed
  /// within the deadline that nothing is left. Whoever traces a process here has let go of it, or
  /// keeps waiting for it in another thread: a traced zombie is its tracer's to reap.
  bool close(Deadline deadline);

 private:
  struct Impl;
  explicit Stage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sockdrill
