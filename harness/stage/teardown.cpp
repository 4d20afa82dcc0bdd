#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "harness/stage/descendants.h"
#include "harness/stage/launch.h"
#include "harness/stage/stage_impl.h"
#include "harness/stage/streams.h"

namespace sockdrill {
namespace {

/// How often a server's stopping of the agent is answered.
constexpr auto kStoppedAgain = std::chrono::milliseconds(50);
constexpr auto kReapLimit = std::chrono::seconds(10);

void send_signal(const AgentProcess& agent, int number) {
  static_cast<void>(::syscall(SYS_pidfd_send_signal, agent.pidfd.raw(), number, nullptr, 0));
}

}  // namespace

bool Stage::Impl::end_isolated(Deadline deadline) {
  // PID 1 of a pid namespace is reaped last of all: then nothing is left in there.
  send_signal(agent, SIGKILL);
  is_reaped = await_end(agent, deadline).has_value();
  return is_reaped;
}

bool Stage::Impl::end_degraded(Deadline deadline) {
  static_cast<void>(::shutdown(agent.control.raw(), SHUT_RDWR));
  std::optional<int> status;
  while (!status && !deadline.has_passed()) {
    // In case the server has stopped its parent, or does it just now.
    send_signal(agent, SIGCONT);
    status =
        await_end(agent, Deadline::after(std::min<Nanoseconds>(deadline.left(), kStoppedAgain)));
  }
  is_reaped = status.has_value();
  if (status && exit_status_of(*status) == ExitStatus{}) return true;
  if (!status) {
    send_signal(agent, SIGKILL);
    is_reaped = await_end(agent, Deadline::after(kReapLimit)).has_value();
  }
  return end_what_the_agent_left(deadline);
}

/// The server has killed our agent: whoever carries the stage's mark is killed from here.
bool Stage::Impl::end_what_the_agent_left(Deadline deadline) {
  std::error_code ignored;
  for (;;) {
    const std::vector<pid_t> left = live_processes_with(marker);
    for (const pid_t pid : left) static_cast<void>(::kill(pid, SIGKILL));
    if (left.empty() || deadline.has_passed()) {
      std::filesystem::remove_all(temp_inside, ignored);
      return left.empty();
    }
    static_cast<void>(::usleep(500));
  }
}

bool Stage::Impl::end(Deadline deadline) {
  if (is_reaped) return true;
  take_all_news();
  const bool nothing_is_left = home.isolated ? end_isolated(deadline) : end_degraded(deadline);
  take_all_news();
  lose_agent();
  for (const auto& entry : entries) {
    if (!entry->process.exited) entry->process.exited = ExitStatus{true, SIGKILL, false};
    drain(entry->out, entry->process.out);
    drain(entry->err, entry->process.err);
    forget(entry->pidfd);
  }
  network.reset();
  port_reservation.reset();
  return nothing_is_left;
}

Stage::~Stage() { static_cast<void>(impl_->end(Deadline::after(kReapLimit))); }

bool Stage::close(Deadline deadline) { return impl_->end(deadline); }

}  // namespace sockdrill
