#pragma once

// Our side of the agent: its process and the socket to it.

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/base/fd.h"
#include "harness/base/result.h"
#include "harness/stage/protocol.h"

namespace sockdrill {

struct AgentProcess {
  pid_t pid = -1;
  OwnedFd pidfd;
  OwnedFd control;
};

/// A message of the agent. For `started`, `outer_pid` is the process as we see it (-1 when the
/// agent shares our pid namespace) and `pidfd` refers to it (closed on kernels before 5.3).
struct News {
  protocol::Kind kind = protocol::Kind::ready;
  protocol::Step step = protocol::Step::none;
  Errno error;
  pid_t pid = -1;
  int status = 0;
  std::string text;
  pid_t outer_pid = -1;
  OwnedFd pidfd;
};

/// "mounting a private /run or /dev/shm", for messages.
std::string to_string(protocol::Step step);

/// Starts the agent in new namespaces (or in ours) with its first message already waiting. Safe
/// beside other threads. Returns once it has been exec'ed.
Result<AgentProcess> launch_agent(const std::string& path, const protocol::SetUp& wishes);

/// Without blocking: a message, nothing (EAGAIN), or ECONNRESET when the agent is gone.
SysResult<News> receive_news(Fd control);
/// The same, waiting for a message until the deadline (then EAGAIN).
SysResult<News> await_news(Fd control, Deadline deadline);

/// Sleeps until there is something to read, or the deadline has passed.
void wait_until_readable(Fd fd, Deadline deadline);
[[nodiscard]] bool is_readable(Fd fd);

/// A start request and what goes with it, in the protocol's order; the descriptors stay ours.
SysResult<void> send_start(Fd control, const protocol::Start& start, const std::array<Fd, 4>& fds);

/// A wish that has neither descriptors nor an answer.
SysResult<void> send_wish(Fd control, protocol::Wish wish);

/// Waits until the agent has ended, and reaps it: wait status, or nothing at the deadline.
/// After that it must not be called again.
std::optional<int> await_end(const AgentProcess& agent, Deadline deadline);

}  // namespace sockdrill
