// Whether the gate of processes (agent/gate.cpp) works here: all of it is tried. Beside other
// threads, too: the child makes system calls and nothing else.

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "harness/stage/agent/agent.h"
#include "harness/stage/stage.h"

namespace sockdrill {

namespace {

long fork_at_gate() {
  // Not by fork(3), which runs what others have registered (pthread_atfork(3)).
  const long child = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  return child;
}

/// Behind the gate: the first child is refused, the second comes. The exit status: 0 = so it was.
int be_refused_and_let_in(int to) {
  const long gate = agent::install_gate();
  if (gate < 0) return static_cast<int>(-gate);
  if (agent::hand_over_gate(static_cast<int>(gate), to) < 0) return EIO;
  if (fork_at_gate() != -1 || errno != EAGAIN) return EPROTO;
  return fork_at_gate() > 0 ? 0 : EPROTO;
}

bool is_readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, 5000) == 1 && (wait.revents & POLLIN) != 0;
}

std::string try_gate() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return describe(last_errno());
  const auto asker = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (asker < 0) return describe(last_errno());
  if (asker == 0) ::_exit(be_refused_and_let_in(pair[1]));
  ::close(pair[1]);
  const int gate = is_readable(pair[0]) ? agent::take_gate_over(pair[0]) : -1;
  long answered = gate < 0 ? -ENODATA : 0;
  for (const bool refuses : {true, false}) {
    if (answered < 0) break;
    answered = is_readable(gate) ? agent::answer_at_gate(gate, refuses) : -ETIMEDOUT;
  }
  // One that nobody answers waits for ever.
  if (answered < 0) static_cast<void>(::kill(asker, SIGKILL));
  int status = 0;
  static_cast<void>(::waitpid(asker, &status, 0));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) return describe(Errno{WEXITSTATUS(status)});
  return answered < 0 ? describe(Errno{static_cast<int>(-answered)}) : "";
}

}  // namespace

std::string why_no_process_limit() {
  static const std::string refusal = try_gate();
  return refusal;
}

}  // namespace sockdrill
