// Processes: fork(2), wait(2), exit(3), and who is who.

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

[[noreturn]] void end_process(int status) {
  Task& task = *current_task;
  task.scheduler.end_process(task.process, (status & 0xff) << 8);
  __builtin_unreachable();
}

/// Those that atexit(3) and kin have registered, the last one first; they may register more.
void run_exit_handlers() {
  for (;;) {
    std::vector<Simulation::ExitHandler>& handlers =
        simulation()->exit_handlers[&current_task->process];
    if (handlers.empty()) break;
    const Simulation::ExitHandler handler = handlers.back();
    handlers.pop_back();
    handler.function(handler.argument);
  }
  simulation()->exit_handlers.erase(&current_task->process);
}

/// A child's own array: setenv(3) would give back the one that its parent still uses, for the heap
/// is common.
void copy_environment() {
  std::size_t count = 0;
  while (environ[count] != nullptr) ++count;
  auto** copy = new char*[count + 1];
  for (std::size_t i = 0; i <= count; ++i) copy[i] = environ[i];
  environ = copy;
}

pid_t fork_process() {
  Task& parent = *current_task;
  if (const int error = strike(CallKind::fork).error; error != 0) return fail_with(error);
  if (parent.scheduler.kernel().is_process_limit_reached) return fail_with(EAGAIN);
  begin_call(parent, "fork");
  Simulation& there = *simulation();
  for (auto it = there.fork_handlers.rbegin(); it != there.fork_handlers.rend(); ++it) {
    if (it->prepare != nullptr) it->prepare();
  }
  const Process* parents = &parent.process;
  const pid_t child = parent.scheduler.fork(parent);
  // From here on twice: `parent` may be another task.
  if (child == 0) {
    Process& mine = current_task->process;
    if (const auto found = there.exit_handlers.find(parents); found != there.exit_handlers.end())
      there.exit_handlers[&mine] = found->second;
    if (environ != nullptr) copy_environment();
  }
  for (const Simulation::ForkHandlers& handlers : there.fork_handlers) {
    void (*const handler)() = child == 0 ? handlers.child : handlers.parent;
    if (handler != nullptr) handler();
  }
  end_call(*current_task);
  return child;
}

pid_t wait_for_child(pid_t which, int* status, int options) {
  Process& process = current_task->process;
  const Outcome<ChildChange> change = carry_out("wait4", [&](Call& call) {
    return process.kernel.wait_child(process, which, options, call);
  });
  if (!change) return fail_with(change.error().error.value);
  if (status != nullptr && change->pid != 0) *status = change->status;
  return change->pid;
}

/// 0 is the caller, as in getpgid(2) and its kin; nullptr: nobody.
Process* process_named(pid_t pid) {
  Process& me = current_task->process;
  return pid == 0 ? &me : me.kernel.find_process(pid);
}

}  // namespace

void end_with_handlers(int status) {
  run_exit_handlers();
  // What the process has written with stdio so far; the C library is not told of its end.
  static_cast<void>(::fflush(nullptr));
  end_process(status);
}

}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL pid_t fork() noexcept {
  if (!is_simulated()) return next<pid_t()>("fork")();
  return fork_process();
}

SIMULATED_CALL pid_t vfork() noexcept {
  // The real one cannot be called from a function, which would return twice.
  return fork();
}

SIMULATED_CALL pid_t _Fork() noexcept { return fork(); }

SIMULATED_CALL int daemon(int keep_directory, int keep_files) noexcept {
  if (!is_simulated()) return next<int(int, int)>("daemon")(keep_directory, keep_files);
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child > 0) _exit(0);
  if (keep_directory == 0 && ::chdir("/") != 0) return -1;
  if (keep_files == 0) {
    const long null = call_kernel(SYS_open, as_long("/dev/null"), O_RDWR | O_CLOEXEC);
    if (null < 0) return fail_with(static_cast<int>(-null));
    for (int fd = 0; fd < 3; ++fd) dup2(static_cast<int>(null), fd);
    call_kernel(SYS_close, null);
  }
  return 0;
}

SIMULATED_CALL pid_t wait4(pid_t which, int* status, int options, struct rusage* usage) noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_wait4, which, status, options, usage));
  if (usage != nullptr) *usage = {};
  return wait_for_child(which, status, options);
}
SIMULATED_CALL pid_t waitpid(pid_t which, int* status, int options) {
  return wait4(which, status, options, nullptr);
}
SIMULATED_CALL pid_t wait(int* status) { return wait4(-1, status, 0, nullptr); }
SIMULATED_CALL pid_t wait3(int* status, int options, struct rusage* usage) noexcept {
  return wait4(-1, status, options, usage);
}
SIMULATED_CALL int waitid(idtype_t kind, id_t which, siginfo_t* info, int options) {
  if (!is_simulated()) return REAL_FUNCTION(waitid)(kind, which, info, options);
  if ((options & WNOWAIT) != 0) return refuse_call("waitid with WNOWAIT");
  int status = 0;
  const pid_t wanted = kind == P_ALL    ? -1
                       : kind == P_PGID ? -static_cast<pid_t>(which)
                                        : static_cast<pid_t>(which);
  const pid_t pid = wait_for_child(wanted, &status, options & ~WEXITED);
  if (pid < 0) return -1;
  if (info != nullptr) {
    *info = {};
    info->si_pid = pid;
    info->si_signo = pid == 0 ? 0 : SIGCHLD;
    info->si_code = WIFEXITED(status) ? CLD_EXITED : CLD_KILLED;
    info->si_status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
  }
  return 0;
}

SIMULATED_CALL void exit(int status) noexcept {
  if (is_simulated()) end_with_handlers(status);
  next<void(int)>("exit")(status);
  __builtin_unreachable();
}
SIMULATED_CALL void quick_exit(int status) noexcept {
  if (is_simulated()) end_process(status);
  next<void(int)>("quick_exit")(status);
  __builtin_unreachable();
}
SIMULATED_CALL void _exit(int status) {
  if (is_simulated()) end_process(status);
  for (;;) call_kernel(SYS_exit_group, status);
}
SIMULATED_CALL void _Exit(int status) noexcept { _exit(status); }

SIMULATED_CALL void abort() noexcept {
  if (is_simulated()) {
    Task& task = *current_task;
    const struct sigaction action = task.process.signals.actions[SIGABRT];
    if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
        (action.sa_flags & SA_SIGINFO) == 0)
      action.sa_handler(SIGABRT);
    if (contains_crashes()) {
      tell_of_crash(task, SIGABRT);
      die_of(task, SIGABRT);
    }
    current_task = nullptr;  // a fuzzer wants to see it as it is
  }
  next<void()>("abort")();
  __builtin_unreachable();
}

SIMULATED_CALL void __assert_fail(const char* condition, const char* file, unsigned line,
                                  const char* function) noexcept {
  static_cast<void>(
      std::fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, condition));
  static_cast<void>(std::fflush(stderr));
  abort();
}

SIMULATED_CALL int __cxa_atexit(void (*function)(void*), void* argument, void* library) noexcept {
  if (!is_simulated())
    return next<int(void (*)(void*), void*, void*)>("__cxa_atexit")(function, argument, library);
  simulation()->exit_handlers[&current_task->process].push_back({function, argument});
  return 0;
}

SIMULATED_CALL int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(),
                                     void* library) noexcept {
  if (!is_simulated())
    return next<int(void (*)(), void (*)(), void (*)(), void*)>("__register_atfork")(
        prepare, parent, child, library);
  simulation()->fork_handlers.push_back({prepare, parent, child});
  return 0;
}

SIMULATED_CALL pid_t getpid() noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_getpid));
  return current_task->process.pid;
}
SIMULATED_CALL pid_t getppid() noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_getppid));
  const Process* parent = current_task->process.parent;
  return parent == nullptr ? 0 : parent->pid;
}
SIMULATED_CALL pid_t getpgid(pid_t pid) noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_getpgid, pid));
  const Process* process = process_named(pid);
  return process == nullptr ? fail_with(ESRCH) : process->group;
}
SIMULATED_CALL pid_t getpgrp() noexcept { return getpgid(0); }
SIMULATED_CALL int setpgid(pid_t pid, pid_t group) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_setpgid, pid, group));
  Process* process = process_named(pid);
  if (process == nullptr) return fail_with(ESRCH);
  process->group = group == 0 ? process->pid : group;
  return 0;
}
SIMULATED_CALL int setpgrp() noexcept { return setpgid(0, 0); }
SIMULATED_CALL pid_t setsid() noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_setsid));
  Process& me = current_task->process;
  if (me.group == me.pid) return fail_with(EPERM);
  me.group = me.session = me.pid;
  return me.pid;
}
SIMULATED_CALL pid_t getsid(pid_t pid) noexcept {
  if (!is_simulated()) return static_cast<pid_t>(real(SYS_getsid, pid));
  const Process* process = process_named(pid);
  return process == nullptr ? fail_with(ESRCH) : process->session;
}

SIMULATED_CALL int prctl(int option, ...) noexcept {
  va_list rest;
  va_start(rest, option);
  const long a = va_arg(rest, long);
  const long b = va_arg(rest, long);
  const long c = va_arg(rest, long);
  const long d = va_arg(rest, long);
  va_end(rest);
  if (!is_simulated()) return static_cast<int>(real(SYS_prctl, option, a, b, c, d));
  switch (option) {
    case PR_SET_PDEATHSIG:
      current_task->process.parent_death_signal = static_cast<int>(a);
      return 0;
    case PR_SET_NAME:
    case PR_SET_DUMPABLE:
    case PR_SET_CHILD_SUBREAPER:
    case PR_SET_TIMERSLACK:
    case PR_SET_KEEPCAPS:
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_PTRACER:
    case PR_SET_SECCOMP:
    case PR_SET_SECUREBITS:
    case PR_CAPBSET_DROP:
    case PR_CAP_AMBIENT:
      return 0;  // what the server gives up, the harness beside it keeps
    // The program's memory is the same here as there.
    case PR_SET_THP_DISABLE:
    case PR_SET_VMA:
    case PR_GET_THP_DISABLE:
    case PR_GET_NAME:
    case PR_GET_DUMPABLE:
    case PR_GET_KEEPCAPS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_GET_SECCOMP:
    case PR_GET_SECUREBITS:
    case PR_GET_TIMERSLACK:
    case PR_CAPBSET_READ:
      return static_cast<int>(real(SYS_prctl, option, a, b, c, d));
    default:
      return refuse_call("prctl (this option)", EINVAL);
  }
}

SIMULATED_CALL int getrlimit(__rlimit_resource_t resource, struct rlimit* limit) noexcept {
  if (!is_simulated() || resource != RLIMIT_NOFILE)
    return static_cast<int>(real(SYS_getrlimit, int{resource}, limit));
  const Process& process = current_task->process;
  *limit = {.rlim_cur = process.descriptors.limit, .rlim_max = process.most_descriptors};
  return 0;
}
SIMULATED_CALL int setrlimit(__rlimit_resource_t resource, const struct rlimit* limit) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_setrlimit, int{resource}, limit));
  if (resource != RLIMIT_NOFILE) return 0;  // of the server, not of the harness beside it
  Process& process = current_task->process;
  if (limit->rlim_cur > limit->rlim_max) return fail_with(EINVAL);
  if (limit->rlim_max > process.most_descriptors) return fail_with(EPERM);
  process.most_descriptors = limit->rlim_max;
  process.descriptors.limit = limit->rlim_cur;
  return 0;
}
SIMULATED_CALL int getrlimit64(__rlimit_resource_t resource, struct rlimit64* limit) noexcept {
  return getrlimit(resource, reinterpret_cast<struct rlimit*>(limit));
}
SIMULATED_CALL int setrlimit64(__rlimit_resource_t resource,
                               const struct rlimit64* limit) noexcept {
  return setrlimit(resource, reinterpret_cast<const struct rlimit*>(limit));
}

// Another program: it would run on the real kernel, without its server's descriptors.
#define NOT_SIMULATED_BUT(refusal, name, result, parameters, arguments) \
  SIMULATED_CALL result name parameters {                               \
    if (is_simulated()) return refusal;                                 \
    static auto* const original = next<result parameters>(#name);       \
    return original arguments;                                          \
  }
#define NOT_SIMULATED(name, ...) NOT_SIMULATED_BUT(refuse_call(#name), name, __VA_ARGS__)
// Their errors are what they return (posix_spawn(3)).
NOT_SIMULATED_BUT((refuse_call("posix_spawn"), ENOSYS), posix_spawn, int,
                  (pid_t * pid, const char* path, const posix_spawn_file_actions_t* actions,
                   const posix_spawnattr_t* attributes, char* const* argv,
                   char* const* environment),
                  (pid, path, actions, attributes, argv, environment))
NOT_SIMULATED_BUT((refuse_call("posix_spawnp"), ENOSYS), posix_spawnp, int,
                  (pid_t * pid, const char* file, const posix_spawn_file_actions_t* actions,
                   const posix_spawnattr_t* attributes, char* const* argv,
                   char* const* environment),
                  (pid, file, actions, attributes, argv, environment))
NOT_SIMULATED(execve, int, (const char* path, char* const* argv, char* const* environment) noexcept,
              (path, argv, environment))
NOT_SIMULATED(execv, int, (const char* path, char* const* argv) noexcept, (path, argv))
NOT_SIMULATED(execvp, int, (const char* path, char* const* argv) noexcept, (path, argv))
NOT_SIMULATED(execvpe, int,
              (const char* path, char* const* argv, char* const* environment) noexcept,
              (path, argv, environment))
NOT_SIMULATED(fexecve, int, (int fd, char* const* argv, char* const* environment) noexcept,
              (fd, argv, environment))
NOT_SIMULATED(system, int, (const char* command), (command))
NOT_SIMULATED(timer_create, int, (clockid_t clock, sigevent* event, timer_t* timer) noexcept,
              (clock, event, timer))
NOT_SIMULATED(unshare, int, (int flags) noexcept, (flags))
NOT_SIMULATED(inotify_init1, int, (int flags) noexcept, (flags))

SIMULATED_CALL FILE* popen(const char* command, const char* mode) {
  if (!is_simulated()) return REAL_FUNCTION(popen)(command, mode);
  refuse_call("popen");
  return nullptr;
}
