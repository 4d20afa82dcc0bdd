#include "harness/watch/task_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "harness/watch/proc_files.h"
#include "harness/watch/watch.h"

namespace sockdrill {
namespace {

OwnedFd open_in(int folder, pid_t tid, const char* name) {
  const std::string path = fmt::format("{}/{}", tid, name);
  return OwnedFd{::openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC)};
}

/// The number of threads, zombies included: /proc/PID/task has two links and one more a thread.
std::size_t count_threads(int task_folder) {
  struct stat status {};
  if (::fstat(task_folder, &status) != 0 || status.st_nlink < 2) return 0;
  return status.st_nlink - 2;
}

/// TaskFiles::hold().
constexpr std::size_t kFilesOfAThread = 3;

/// Several watchers and thousands of clients share our descriptors: with the usual limit of 1,024
/// each watcher holds 16 threads, with a large one 1,024.
std::size_t find_most_held() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 16;
  return std::clamp<std::size_t>(limit.rlim_cur / 64, 16, 1024);
}

bool exists(pid_t pid) { return ::access(fmt::format("/proc/{}", pid).c_str(), F_OK) == 0; }

}  // namespace

void TaskFiles::hold(Fd task_folder) {
  schedstat_ = open_in(raw(task_folder), tid_, "schedstat");
  syscall_ = open_in(raw(task_folder), tid_, "syscall");
  stat_ = open_in(raw(task_folder), tid_, "stat");
}

SysResult<std::string> TaskFiles::read(const OwnedFd& held, const char* name) const {
  if (held.is_open()) return read_from_start(held.get());
  return read_proc(fmt::format("/proc/{}/task/{}/{}", pid_, tid_, name));
}

std::optional<SchedStat> TaskFiles::read_schedstat() const {
  const auto text = read(schedstat_, "schedstat");
  return text ? parse_schedstat(*text) : std::nullopt;
}

std::optional<TaskStat> TaskFiles::read_stat() const {
  const auto text = read(stat_, "stat");
  return text ? parse_task_stat(*text) : std::nullopt;
}

SysResult<std::string> TaskFiles::read_syscall() const { return read(syscall_, "syscall"); }

std::optional<std::uint64_t> TaskFiles::read_voluntary_switches() const {
  const auto text = read(OwnedFd{}, "status");
  return text ? parse_status_count(*text, "voluntary_ctxt_switches") : std::nullopt;
}

// A container may have a file of its own mounted there (lxcfs), which is brought up to date now and
// then only.
BirthCounter::BirthCounter() : loadavg_(::open("/proc/loadavg", O_RDONLY | O_CLOEXEC)) {
  struct statfs status {};
  const bool is_proc = ::fstatfs(loadavg_.raw(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
  if (!is_proc) loadavg_.reset();
}

std::optional<pid_t> BirthCounter::latest() const {
  const auto text = read_from_start(loadavg_.get());
  return text ? parse_latest_pid(*text) : std::nullopt;
}

std::size_t descriptors_of_watch(std::size_t threads) {
  return kFilesOfAThread * std::min(threads, find_most_held());
}

TaskTable::TaskTable() : most_held_(find_most_held()) {}

void TaskTable::refresh(const std::vector<pid_t>& pids) {
  std::vector<pid_t> wanted = pids;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<TaskFiles> kept = std::exchange(tasks_, {});
  std::erase_if(kept, [](const TaskFiles& task) { return !task.read_schedstat(); });
  std::size_t held = static_cast<std::size_t>(std::count_if(
      kept.begin(), kept.end(), [](const TaskFiles& task) { return task.is_held(); }));
  processes_.clear();
  for (const pid_t pid : wanted) add_process(pid, kept, held);
}

void TaskTable::add_process(pid_t pid, std::vector<TaskFiles>& kept, std::size_t& held) {
  const std::string path = fmt::format("/proc/{}/task", pid);
  Process process{.pid = pid,
                  .folder = OwnedFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}};
  if (!process.folder.is_open()) return;  // It has ended: a process less.
  for (const pid_t tid : list_numbers(process.folder.get())) {
    const std::pair wanted(pid, tid);
    const auto known = std::lower_bound(kept.begin(), kept.end(), wanted,
                                        [](const TaskFiles& task, const auto& key) {
                                          return std::pair(task.pid(), task.tid()) < key;
                                        });
    const bool is_known = known != kept.end() && std::pair(known->pid(), known->tid()) == wanted;
    TaskFiles task = is_known ? std::move(*known) : TaskFiles(pid, tid);
    if (!task.is_held() && held < most_held_) {
      task.hold(process.folder.get());
      held += task.is_held() ? 1 : 0;
    }
    tasks_.push_back(std::move(task));
    ++process.threads;
  }
  processes_.push_back(std::move(process));
}

bool TaskTable::is_complete(const std::vector<pid_t>& pids) const {
  std::size_t found = 0;
  for (const pid_t pid : pids) {
    const auto known = std::lower_bound(processes_.begin(), processes_.end(), pid,
                                        [](const Process& each, pid_t p) { return each.pid < p; });
    if (known == processes_.end() || known->pid != pid) {
      if (exists(pid)) return false;
      continue;
    }
    ++found;
    if (count_threads(known->folder.raw()) != known->threads) return false;
  }
  return found == processes_.size();
}

std::vector<pid_t> TaskTable::processes() const {
  std::vector<pid_t> pids;
  for (const Process& process : processes_) pids.push_back(process.pid);
  return pids;
}

}  // namespace sockdrill
