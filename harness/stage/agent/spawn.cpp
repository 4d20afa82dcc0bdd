#include <sched.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/stage/agent/agent.h"

namespace sockdrill::agent {

using protocol::Start;
using protocol::Step;

namespace {

/// What a shell uses where PATH is not set (execvp(3)).
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

/// A request laid out as execve(2) wants it.
struct Words {
  void* words = MAP_FAILED;
  std::size_t words_bytes = 0;
  void* pointers = MAP_FAILED;
  std::size_t pointers_bytes = 0;
  char* working_directory = nullptr;
  char** arguments = nullptr;
  char** environment = nullptr;
};

void release(Words& words) {
  if (words.words != MAP_FAILED) static_cast<void>(::munmap(words.words, words.words_bytes));
  if (words.pointers != MAP_FAILED) {
    static_cast<void>(::munmap(words.pointers, words.pointers_bytes));
  }
}

bool map_words(const Start& start, int file, Words& words) {
  words.words_bytes = start.words_bytes;
  words.words = ::mmap(nullptr, words.words_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (words.words == MAP_FAILED) return false;
  const std::size_t count = std::size_t{start.argument_count} + start.environment_count + 2;
  words.pointers_bytes = count * sizeof(char*);
  words.pointers = ::mmap(nullptr, words.pointers_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (words.pointers == MAP_FAILED) return false;
  char* next = static_cast<char*>(words.words);
  words.working_directory = next;
  words.arguments = static_cast<char**>(words.pointers);
  words.environment = words.arguments + start.argument_count + 1;
  for (std::uint32_t i = 0; i < start.argument_count; ++i) {
    words.arguments[i] = next += std::strlen(next) + 1;
  }
  for (std::uint32_t i = 0; i < start.environment_count; ++i) {
    words.environment[i] = next += std::strlen(next) + 1;
  }
  return true;
}

/// Shared by the agent and its child, which runs in the agent's memory until it execs.
struct ChildTask {
  const Start* start = nullptr;
  const StartFds* fds = nullptr;
  const Words* words = nullptr;
  bool dies_with_agent = false;
  Outcome outcome;
};

bool set_limit(int resource, std::uint64_t value) {
  rlimit limit{};
  limit.rlim_cur = value;
  limit.rlim_max = value;
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0;
}

Outcome apply_limits(const Start& start) {
  // 1 means no core file and no core pipe either (core(5)); the hard limit stays as it is.
  rlimit core{};
  if (::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max >= 1) {
    core.rlim_cur = 1;
    static_cast<void>(::setrlimit(RLIMIT_CORE, &core));
  }
  if ((start.limit_flags & protocol::kLimitsDescriptors) != 0 &&
      !set_limit(RLIMIT_NOFILE, start.descriptors)) {
    return failure(Step::descriptor_limit);
  }
  if ((start.limit_flags & protocol::kLimitsMemory) != 0 &&
      !set_limit(RLIMIT_AS, start.memory_bytes)) {
    return failure(Step::memory_limit);
  }
  if ((start.limit_flags & protocol::kLimitsProcesses) != 0 &&
      !set_limit(RLIMIT_NPROC, start.processes)) {
    return failure(Step::process_limit);
  }
  return {};
}

bool write_file(const char* path, const char* text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool is_written = ::write(file, text, std::strlen(text)) >= 0;
  static_cast<void>(::close(file));
  return is_written;
}

/// A server that eats all memory shall die before we do.
void offer_to_the_oom_killer() {
  static_cast<void>(write_file("/proc/self/oom_score_adj", "1000"));
}

const char* search_path(char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  }
  return kDefaultPath;
}

bool exists(const char* path) { return ::access(path, F_OK) == 0; }

/// Only returns when the kernel said no. ENOENT for a file that exists is about its interpreter.
Outcome exec_file(const char* path, const Words& words) {
  ::execve(path, words.arguments, words.environment);
  const Outcome outcome = failure(Step::exec);
  if (outcome.error == ENOENT && exists(path)) return {Step::interpreter, ENOENT};
  return outcome;
}

/// As execvp(3) does, but in the PATH of the environment that the server gets, and without handing
/// files that have no #! line to a shell.
Outcome exec_from_path(const char* name, const Words& words) {
  char candidate[4096];
  Outcome denied;
  const std::size_t name_bytes = std::strlen(name) + 1;
  for (const char* entry = search_path(words.environment);;) {
    const char* end = std::strchr(entry, ':');
    if (end == nullptr) end = entry + std::strlen(entry);
    const auto entry_bytes = static_cast<std::size_t>(end - entry);
    if (entry_bytes + 1 + name_bytes <= sizeof candidate) {
      std::memcpy(candidate, entry, entry_bytes);
      candidate[entry_bytes] = '/';
      // An empty entry is the working directory.
      char* after = entry_bytes == 0 ? candidate : candidate + entry_bytes + 1;
      std::memcpy(after, name, name_bytes);
      const Outcome outcome = exec_file(candidate, words);
      // A folder of PATH that we may not look into is no reason to speak of permissions.
      if (outcome.error == EACCES && exists(candidate)) denied = outcome;
      const bool is_absent =
          outcome.step == Step::exec &&
          (outcome.error == ENOENT || outcome.error == ENOTDIR || outcome.error == EACCES);
      if (!is_absent) return outcome;
    }
    if (*end == '\0') break;
    entry = end + 1;
  }
  return denied.failed() ? denied : Outcome{Step::search_path, ENOENT};
}

/// In a user namespace of its own, user 0 of the stage gets the name 1000. With it go, at exec, all
/// capabilities.
bool become_ordinary_user() {
  static_cast<void>(write_file("/proc/self/setgroups", "deny"));
  return write_file("/proc/self/uid_map", "1000 0 1") &&
         write_file("/proc/self/gid_map", "1000 0 1");
}

Outcome become_the_process(const ChildTask& task) {
  if (task.start->as_ordinary_user != 0 && !become_ordinary_user()) {
    return failure(Step::identity);
  }
  if (task.dies_with_agent) static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  if (::setsid() < 0) return failure(Step::session);
  if (::dup2(task.fds->input, 0) < 0 || ::dup2(task.fds->output, 1) < 0 ||
      ::dup2(task.fds->error, 2) < 0) {
    return failure(Step::standard_streams);
  }
  offer_to_the_oom_killer();
  const Words& words = *task.words;
  if (*words.working_directory != '\0' && ::chdir(words.working_directory) != 0) {
    return failure(Step::working_directory);
  }
  if (const Outcome outcome = apply_limits(*task.start); outcome.failed()) return outcome;
  sigset_t none;
  static_cast<void>(::sigemptyset(&none));
  static_cast<void>(::sigprocmask(SIG_SETMASK, &none, nullptr));
  const char* name = words.arguments[0];
  return std::strchr(name, '/') != nullptr ? exec_file(name, words) : exec_from_path(name, words);
}

int run_child(void* argument) {
  auto* task = static_cast<ChildTask*>(argument);
  task->outcome = become_the_process(*task);
  ::_exit(127);
}

}  // namespace

Outcome spawn(const Start& start, const StartFds& fds, bool dies_with_agent, pid_t& pid) {
  Words words;
  if (!map_words(start, fds.words, words)) {
    const Outcome outcome = failure(Step::request);
    release(words);
    return outcome;
  }
  ChildTask task{&start, &fds, &words, dies_with_agent, {}};
  alignas(64) static char stack[65536];
  // As vfork(2): the child borrows our memory, and we sleep until it has exec'ed or given up.
  const int user_namespace = start.as_ordinary_user != 0 ? CLONE_NEWUSER : 0;
  pid = ::clone(run_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD | user_namespace,
                &task);
  if (pid < 0) task.outcome = failure(Step::child);
  release(words);
  return task.outcome;
}

}  // namespace sockdrill::agent
