#include "harness/sim/kernel/kernel.h"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "harness/base/check.h"
#include "harness/base/try.h"
#include "harness/sim/kernel/network.h"
#include "harness/sim/kernel/octets.h"

namespace sockdrill::sim {

namespace {

/// 2025-01-01 00:00 UTC; any will do that no program takes for a broken clock.
constexpr VirtualTime kBootTime = std::chrono::seconds(1735689600);

}  // namespace

Kernel::Kernel(SocketPaths* paths) : boot_time_(kBootTime) {
  octets_ = std::make_unique<OctetStore>();
  network_ = std::make_unique<Network>(paths);
  processes_.push_back(std::make_unique<Process>(*this, ++last_pid_, nullptr));
  init().command = "init";
}

Kernel::~Kernel() {
  for (const auto& process : processes_) process->descriptors.close_all();
  network_->close_all();
  processes_.clear();
}

void Kernel::advance_to(VirtualTime time) {
  while (timers_.next() <= time) {
    now_ = std::max(now_, timers_.next());
    timers_.fire_one(now_);
  }
  now_ = std::max(now_, time);
}

Process& Kernel::create_process(Process* parent) {
  processes_.push_back(
      std::make_unique<Process>(*this, ++last_pid_, parent != nullptr ? parent : &init()));
  Process& made = *processes_.back();
  if (parent == nullptr) made.group = made.session = made.pid;
  return made;
}

Process* Kernel::find_process(pid_t pid) const {
  for (const auto& process : processes_) {
    if (process->pid == pid) return process.get();
  }
  return nullptr;
}

void Kernel::tell_parent(Process& child, int code, int status) {
  siginfo_t info = signal_info(SIGCHLD, code, child.pid);
  info.si_status = status;
  send_signal(*child.parent, info);
  child.parent->children_queue.wake_all();
}

void Kernel::exit_process(Process& process, int status) {
  SOCKDRILL_CHECK(!process.is_zombie, "a process ends once");
  process.is_zombie = true;
  process.exit_status = status;
  process.alarm.disarm();
  process.observer = nullptr;
  process.signals.pending.clear();
  process.signals.current = nullptr;
  process.descriptors.close_all();
  const std::vector<Process*> orphans = std::exchange(process.children, {});
  for (Process* orphan : orphans) {
    orphan->parent = &init();
    init().children.push_back(orphan);
    if (orphan->is_zombie) {
      reap(*orphan);
    } else if (orphan->parent_death_signal != 0) {
      send_signal(*orphan, signal_info(orphan->parent_death_signal));
    }
  }
  Process& parent = *process.parent;
  const struct sigaction& action = parent.signals.actions[SIGCHLD];
  // wait(2), NOTES: then children leave nothing behind.
  const bool leaves_nothing =
      &parent == &init() || action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0;
  const int code = WIFEXITED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
  tell_parent(process, code, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  if (on_exit) on_exit(process, status);
  if (leaves_nothing) reap(process);
}

void Kernel::reap(Process& child) {
  std::erase(child.parent->children, &child);
  child.parent->children_queue.wake_all();
  std::erase_if(processes_, [&](const auto& process) { return process.get() == &child; });
}

Outcome<ChildChange> Kernel::wait_child(Process& process, pid_t which, int options, Call&) {
  bool has_any = false;
  for (Process* child : process.children) {
    const bool is_asked = which == -1 || which == child->pid ||
                          (which == 0 && child->group == process.group) ||
                          (which < -1 && child->group == -which);
    if (!is_asked) continue;
    has_any = true;
    if (child->is_zombie) {
      const ChildChange change{.pid = child->pid, .status = child->exit_status};
      if ((options & WNOWAIT) == 0) reap(*child);
      return change;
    }
    const int untold = child->untold_change;
    if ((WIFSTOPPED(untold) && (options & WUNTRACED) != 0 && untold != 0) ||
        (WIFCONTINUED(untold) && (options & WCONTINUED) != 0)) {
      child->untold_change = 0;
      return ChildChange{.pid = child->pid, .status = untold};
    }
  }
  if (!has_any) return refuse(ECHILD);
  if ((options & WNOHANG) != 0) return ChildChange{};
  return wait_on(process.children_queue);
}

Outcome<void> Kernel::close(Process& process, int fd, Call& call) {
  if (!call.has_begun) {
    call.held = TRY(process.descriptors.take(fd));
    call.has_begun = true;
  }
  if (call.held && call.held->references() == 1)
    TRY_VOID(static_cast<File*>(call.held.get())->wait_for_close(call));
  call.held = {};
  return {};
}

Outcome<int> Kernel::duplicate(Process& process, int fd, int lowest, bool close_on_exec) {
  const Ref<File> file = TRY(process.descriptors.file(fd));
  if (lowest < 0 || static_cast<std::size_t>(lowest) >= process.descriptors.limit)
    return refuse(EINVAL);
  return process.descriptors.add(file, close_on_exec, lowest);
}

Outcome<int> Kernel::duplicate_to(Process& process, int fd, int to, bool close_on_exec) {
  const Ref<File> file = TRY(process.descriptors.file(fd));
  if (fd == to) return to;
  TRY_VOID(process.descriptors.put(to, file, close_on_exec));
  return to;
}

}  // namespace sockdrill::sim
