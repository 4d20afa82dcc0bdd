#include "harness/watch/resources.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/watch/proc_files.h"

namespace sockdrill {
namespace {

int count_descriptors(pid_t pid) {
  struct stat status {};
  const std::string path = fmt::format("/proc/{}/fd", pid);
  // Since Linux 6.2 the size of the folder is the number of descriptors.
  if (::stat(path.c_str(), &status) == 0 && status.st_size > 0) {
    return static_cast<int>(status.st_size);
  }
  int count = 0;
  for_each_descriptor(pid, [&](std::string_view, std::string_view) { ++count; });
  return count;
}

void add_memory(pid_t pid, Resources& sum) {
  const auto text = read_proc(fmt::format("/proc/{}/statm", pid));
  if (!text) return;
  const std::vector<std::string> words = split(*text, ' ');
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto bytes_of = [&](std::size_t word) {
    return words.size() > word ? number_in<std::uint64_t>(words[word]).value_or(0) * page : 0;
  };
  sum.virtual_bytes += bytes_of(0);
  sum.resident_bytes += bytes_of(1);
}

/// CPU time of a process, its ended threads included, to the nanosecond and up to date even for a
/// running thread. The id of the clock is the kernel's CPUCLOCK_SCHED of a process
/// (clock_getcpuclockid(3)).
Nanoseconds cpu_time(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

bool is_zombie(pid_t pid) {
  const auto text = read_proc(fmt::format("/proc/{}/stat", pid));
  const auto stat = text ? parse_task_stat(*text) : std::nullopt;
  return stat && has_ended(stat->state);
}

void add_zombie_children(const TaskFiles& task, std::unordered_set<pid_t>& zombies) {
  const auto text = read_proc(fmt::format("/proc/{}/task/{}/children", task.pid(), task.tid()));
  if (!text) return;
  for (const pid_t child : parse_pids(*text)) {
    if (is_zombie(child)) zombies.insert(child);
  }
}

void add_task(const TaskFiles& task, Resources& sum) {
  const auto sched = task.read_schedstat();
  if (!sched) return;
  ++sum.threads;
  sum.runnable += Nanoseconds(static_cast<std::int64_t>(sched->runnable_ns));
  sum.runs += sched->runs;
}

void add_process(pid_t pid, const TaskStat& leader, Resources& sum) {
  ++sum.processes;
  sum.descriptors += count_descriptors(pid);
  add_memory(pid, sum);
  sum.ran += cpu_time(pid) + duration_of_ticks(leader.children_ticks);
}

std::string_view line_at(std::string_view text, std::size_t start) {
  return text.substr(start, text.find('\n', start) - start);
}

}  // namespace

Resources sample_tasks(const TaskTable& table) {
  Resources sum;
  std::unordered_set<pid_t> zombies;
  for (const TaskFiles& task : table.tasks()) {
    const auto stat = task.read_stat();
    if (!stat) continue;
    const bool is_leader = task.pid() == task.tid();
    if (has_ended(stat->state)) {
      const bool has_other_threads =
          std::count_if(table.tasks().begin(), table.tasks().end(),
                        [&](const TaskFiles& other) { return other.pid() == task.pid(); }) > 1;
      if (is_leader && !has_other_threads) zombies.insert(task.pid());
      if (!is_leader || !has_other_threads) continue;
    }
    if (is_leader) add_process(task.pid(), *stat, sum);
    if (!has_ended(stat->state)) add_task(task, sum);
    add_zombie_children(task, zombies);
  }
  sum.zombies = static_cast<int>(zombies.size());
  return sum;
}

std::unordered_set<std::uint64_t> list_socket_inodes(const std::vector<pid_t>& pids) {
  std::unordered_set<std::uint64_t> inodes;
  for (const pid_t pid : pids) {
    for_each_descriptor(pid, [&](std::string_view, std::string_view link) {
      if (const auto inode = parse_socket_link(link)) inodes.insert(*inode);
    });
  }
  return inodes;
}

std::optional<std::uint64_t> parse_socket_link(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return std::nullopt;
  return number_in<std::uint64_t>(link.substr(kPrefix.size(), link.size() - kPrefix.size() - 1));
}

std::optional<std::uint64_t> parse_snmp(std::string_view text, std::string_view table,
                                        std::string_view column) {
  const std::string prefix = std::string(table) + ": ";
  std::vector<std::string> names;
  for (std::size_t start = 0; start < text.size();) {
    const std::string_view line = line_at(text, start);
    start += line.size() + 1;
    if (!line.starts_with(prefix)) continue;
    const std::vector<std::string> words = split(line, ' ');
    if (names.empty()) {
      names = words;
      continue;
    }
    for (std::size_t i = 0; i < std::min(words.size(), names.size()); ++i) {
      if (names[i] == column) return number_in<std::uint64_t>(words[i]);
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_snmp6(std::string_view text, std::string_view name) {
  for (std::size_t start = 0; start < text.size();) {
    const std::string_view line = line_at(text, start);
    start += line.size() + 1;
    const std::size_t end = line.find_first_of(" \t");
    if (line.substr(0, end) != name || end == std::string_view::npos) continue;
    const std::size_t value = line.find_first_not_of(" \t", end);
    if (value == std::string_view::npos) return std::nullopt;
    return number_in<std::uint64_t>(line.substr(value));
  }
  return std::nullopt;
}

}  // namespace sockdrill
