#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

#include "harness/stage/agent/agent.h"
#include "harness/stage/agent/kernel.h"

namespace sockdrill::agent {

using protocol::Start;
using protocol::Step;

namespace {

/// What a shell uses where PATH is not set (execvp(3)).
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

/// A request laid out as execve(2) wants it.
struct Words {
  char* words = nullptr;
  std::size_t words_bytes = 0;
  char** pointers = nullptr;
  std::size_t pointers_bytes = 0;
  char** arguments = nullptr;
  char** environment = nullptr;

  [[nodiscard]] const char* working_directory() const { return words; }
};

/// The address, or a negative errno.
long map(std::size_t size, int flags, int file) {
  return kernel::call(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, file,
                      0);
}

bool is_refused(long address) { return address < 0 && address > -4096; }

void release(const Words& words) {
  if (words.words != nullptr) kernel::call(SYS_munmap, words.words, words.words_bytes);
  if (words.pointers != nullptr) kernel::call(SYS_munmap, words.pointers, words.pointers_bytes);
}

Outcome map_words(const Start& start, int file, Words& words) {
  words.words_bytes = start.words_bytes;
  long address = map(words.words_bytes, 0, file);
  if (is_refused(address)) return outcome_of(Step::request, address);
  words.words = reinterpret_cast<char*>(address);
  const std::size_t count = std::size_t{start.argument_count} + start.environment_count + 2;
  words.pointers_bytes = count * sizeof(char*);
  address = map(words.pointers_bytes, MAP_ANONYMOUS, -1);
  if (is_refused(address)) return outcome_of(Step::request, address);
  words.pointers = reinterpret_cast<char**>(address);
  words.arguments = words.pointers;
  words.environment = words.arguments + start.argument_count + 1;
  char* next = words.words;
  const auto take_word = [&next] { return next += length_of(next) + 1; };
  for (std::uint32_t i = 0; i < start.argument_count; ++i) words.arguments[i] = take_word();
  for (std::uint32_t i = 0; i < start.environment_count; ++i) words.environment[i] = take_word();
  return {};
}

/// Shared by the agent and its child, which runs in the agent's memory until it execs.
struct ChildTask {
  const Start* start = nullptr;
  const StartFds* fds = nullptr;
  const Words* words = nullptr;
  bool dies_with_agent = false;
  int gate_socket = -1;  ///< where the gate goes to, if it has one
  Outcome outcome;
};

Outcome set_limit(Step step, int resource, std::uint64_t value) {
  const std::uint64_t limit[2] = {value, value};
  return outcome_of(step, kernel::call(SYS_prlimit64, 0, resource, limit, nullptr));
}

/// 1 means no core file, and no core pipe either (core(5)); the hard limit stays as it is.
void forbid_core_files() {
  std::uint64_t limit[2] = {0, 0};
  if (kernel::call(SYS_prlimit64, 0, RLIMIT_CORE, nullptr, limit) < 0 || limit[1] < 1) return;
  limit[0] = 1;
  kernel::call(SYS_prlimit64, 0, RLIMIT_CORE, limit, nullptr);
}

Outcome apply_limits(const Start& start) {
  forbid_core_files();
  Outcome outcome;
  const auto apply = [&](std::uint32_t flag, Step step, int resource, std::uint64_t value) {
    if (outcome.failed() || (start.limit_flags & flag) == 0) return;
    outcome = set_limit(step, resource, value);
  };
  apply(protocol::kLimitsDescriptors, Step::descriptor_limit, RLIMIT_NOFILE, start.descriptors);
  apply(protocol::kLimitsMemory, Step::memory_limit, RLIMIT_AS, start.memory_bytes);
  apply(protocol::kLimitsProcesses, Step::process_limit, RLIMIT_NPROC, start.processes);
  return outcome;
}

long write_file(const char* path, const char* text) {
  const int file = kernel::open(path, O_WRONLY);
  if (file < 0) return file;
  const long written = kernel::write(file, text, length_of(text));
  kernel::close(file);
  return written;
}

/// A server that eats all memory shall die before we do.
void offer_to_the_oom_killer() { write_file("/proc/self/oom_score_adj", "1000"); }

const char* search_path(char* const* environment) {
  constexpr char kName[] = "PATH=";
  for (; *environment != nullptr; ++environment) {
    std::size_t same = 0;
    while (same < 5 && (*environment)[same] == kName[same]) ++same;
    if (same == 5) return *environment + 5;
  }
  return kDefaultPath;
}

/// Only returns when the kernel said no. ENOENT for a file that exists is about its interpreter.
Outcome exec_file(const char* path, const Words& words) {
  const Outcome outcome =
      outcome_of(Step::exec, kernel::call(SYS_execve, path, words.arguments, words.environment));
  if (outcome.error == ENOENT && kernel::exists(path)) return {Step::interpreter, ENOENT};
  return outcome;
}

/// As execvp(3) does, but in the PATH of the environment that the server gets, and without handing
/// files that have no #! line to a shell.
Outcome exec_from_path(const char* name, const Words& words) {
  Outcome denied;
  const char* entry = search_path(words.environment);
  for (bool is_last = false; !is_last;) {
    const char* end = entry;
    while (*end != ':' && *end != '\0') ++end;
    char candidate[4096];
    Writer path(candidate, sizeof candidate);
    path.text(entry, static_cast<std::size_t>(end - entry));
    // An empty entry is the working directory.
    path.text(end == entry ? "./" : "/").text(name);
    const Outcome outcome = exec_file(candidate, words);
    // A folder of PATH that we may not look into is no reason to speak of permissions.
    if (outcome.error == EACCES && kernel::exists(candidate)) denied = outcome;
    const bool is_absent =
        outcome.step == Step::exec &&
        (outcome.error == ENOENT || outcome.error == ENOTDIR || outcome.error == EACCES);
    if (!is_absent) return outcome;
    is_last = *end == '\0';
    entry = end + 1;
  }
  return denied.failed() ? denied : Outcome{Step::search_path, ENOENT};
}

/// In a user namespace of its own, user 0 of the stage gets the name 1000. With it go, at exec, all
/// capabilities.
Outcome become_ordinary_user() {
  write_file("/proc/self/setgroups", "deny");
  const long mapped = write_file("/proc/self/uid_map", "1000 0 1");
  return outcome_of(Step::identity,
                    mapped < 0 ? mapped : write_file("/proc/self/gid_map", "1000 0 1"));
}

/// capabilities(7): what the bounding set lacks no exec gives back.
Outcome drop_low_ports() {
  constexpr std::uint32_t kBit = std::uint32_t{1} << CAP_NET_BIND_SERVICE;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  long result = kernel::call(SYS_capget, &header, sets);
  if (result < 0) return outcome_of(Step::low_ports, result);
  if ((sets[0].permitted & kBit) == 0) return {};
  result = kernel::prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE);
  if (result < 0) return outcome_of(Step::low_ports, result);
  sets[0].effective &= ~kBit;
  sets[0].permitted &= ~kBit;
  sets[0].inheritable &= ~kBit;
  return outcome_of(Step::low_ports, kernel::call(SYS_capset, &header, sets));
}

Outcome build_gate(int to) {
  const long gate = install_gate();
  return outcome_of(Step::process_gate,
                    gate < 0 ? gate : hand_over_gate(static_cast<int>(gate), to));
}

/// Or closes them. Nothing is opened between here and execve(2).
Outcome take_standard_streams(const Start& start, const StartFds& fds) {
  const int from[3] = {fds.input, fds.output, fds.error};
  for (int fd = 0; fd < 3; ++fd) {
    if (start.closed_streams != 0) {
      kernel::close(fd);
      continue;
    }
    const long result = kernel::call(SYS_dup3, from[fd], fd, 0);
    if (result < 0) return outcome_of(Step::standard_streams, result);
  }
  return {};
}

/// signal(7): of all dispositions, "ignored" alone survives execve(2).
void ignore(std::uint32_t signal_number) {
  struct {
    std::uintptr_t handler = reinterpret_cast<std::uintptr_t>(SIG_IGN);
    unsigned long flags = 0;
    std::uintptr_t restorer = 0;
    std::uint64_t mask = 0;
  } const action;
  kernel::call(SYS_rt_sigaction, signal_number, &action, nullptr, sizeof action.mask);
}

Outcome change_directory(const char* path) {
  return *path == '\0' ? Outcome{}
                       : outcome_of(Step::working_directory, kernel::call(SYS_chdir, path));
}

Outcome become_the_process(const ChildTask& task) {
  if (task.dies_with_agent) kernel::prctl(PR_SET_PDEATHSIG, SIGKILL);
  offer_to_the_oom_killer();
  Outcome outcome;
  if (task.start->as_ordinary_user != 0) outcome = become_ordinary_user();
  if (!outcome.failed()) outcome = outcome_of(Step::session, kernel::call(SYS_setsid));
  if (!outcome.failed()) outcome = take_standard_streams(*task.start, *task.fds);
  if (!outcome.failed()) outcome = change_directory(task.words->working_directory());
  if (!outcome.failed()) outcome = apply_limits(*task.start);
  if (!outcome.failed() && task.start->without_low_ports != 0) outcome = drop_low_ports();
  if (!outcome.failed() && task.gate_socket >= 0) outcome = build_gate(task.gate_socket);
  if (outcome.failed()) return outcome;
  if (task.start->ignored_signal != 0) ignore(task.start->ignored_signal);
  const std::uint64_t no_signals = 0;
  kernel::call(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals);
  const char* name = task.words->arguments[0];
  for (const char* next = name; *next != '\0'; ++next) {
    if (*next == '/') return exec_file(name, *task.words);
  }
  return exec_from_path(name, *task.words);
}

int run_child(void* argument) {
  auto* task = static_cast<ChildTask*>(argument);
  task->outcome = become_the_process(*task);
  kernel::exit(127);
}

Outcome run_in_child(ChildTask& task, pid_t& pid) {
  alignas(64) char stack[16384];
  const unsigned long user_namespace = task.start->as_ordinary_user != 0 ? CLONE_NEWUSER : 0;
  const long result = kernel::borrow_memory(SIGCHLD | user_namespace, nullptr, stack + sizeof stack,
                                            run_child, &task);
  if (result < 0) return outcome_of(Step::child, result);
  pid = static_cast<pid_t>(result);
  return task.outcome;
}

}  // namespace

Outcome spawn(const Start& start, const StartFds& fds, bool dies_with_agent, pid_t& pid,
              int& gate) {
  Words words;
  int pair[2] = {-1, -1};
  Outcome outcome = map_words(start, fds.words, words);
  if (!outcome.failed() && start.has_gate != 0)
    outcome = outcome_of(Step::process_gate, kernel::call(SYS_socketpair, AF_UNIX,
                                                          SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
  if (!outcome.failed()) {
    ChildTask task{&start, &fds, &words, dies_with_agent, pair[1], {}};
    outcome = run_in_child(task, pid);
  }
  gate = pair[0] >= 0 ? take_gate_over(pair[0]) : -1;
  for (const int end : pair) kernel::close(end);
  release(words);
  return outcome;
}

}  // namespace sockdrill::agent
