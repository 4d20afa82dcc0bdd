#include "harness/watch/observe.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "harness/base/text.h"
#include "harness/watch/proc_files.h"
#include "harness/watch/remote.h"
#include "harness/watch/resources.h"

namespace sockdrill {
namespace {

constexpr std::size_t kMostSockets = 100;
constexpr std::size_t kMostTasks = 100;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::string_view line = text.substr(start, text.find('\n', start) - start);
    lines.push_back(line);
    start += line.size() + 1;
  }
  return lines;
}

std::string_view word_after(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t from = line.find_first_not_of(" \t", at + key.size());
  if (from == std::string_view::npos) return {};
  return line.substr(from, line.find_first_of(" \t", from) - from);
}

TaskSeen see_task(const TaskFiles& files, const TaskStat& stat) {
  TaskSeen task{.pid = files.pid(), .tid = files.tid(), .state = std::string(1, stat.state)};
  const SysResult<std::string> text = files.read_syscall();
  const std::optional<SyscallLine> line = text ? parse_syscall(*text) : std::nullopt;
  if (!line || has_ended(stat.state)) {
    task.doing = line ? "has ended" : "runs";
    return task;
  }
  const Wait wait = classify_wait(*line, memory_of(files.pid()));
  task.call = wait.call;
  task.descriptor = wait.has_descriptor ? wait.descriptor : -1;
  task.doing = to_string(wait);
  return task;
}

/// What the tables say of each socket, by inode. One that has gone out of them has no connection.
std::unordered_map<std::uint64_t, SocketSeen> by_inode(const SocketTables& tables) {
  std::unordered_map<std::uint64_t, SocketSeen> found;
  for (const InetSocket& socket : tables.tcp)
    found[socket.inode] = SocketSeen{
        .state = to_string(socket.state), .unread = socket.unread, .unsent = socket.unsent};
  for (const InetSocket& socket : tables.udp)
    found[socket.inode] =
        SocketSeen{.state = socket.state == SocketState::established ? "UDP ESTABLISHED" : "UDP",
                   .unread = socket.unread,
                   .unsent = socket.unsent};
  for (const UnixSocket& socket : tables.local)
    found[socket.inode] = SocketSeen{.state = to_string(socket.state), .unread = socket.unread};
  return found;
}

void see_sockets(pid_t pid, const std::unordered_map<std::uint64_t, SocketSeen>& known,
                 std::vector<SocketSeen>& into) {
  std::map<int, std::uint32_t> watched;
  std::vector<SocketSeen> sockets;
  for_each_descriptor(pid, [&](std::string_view name, std::string_view link) {
    if (link == "anon_inode:[eventpoll]") {
      const auto text = read_proc(fmt::format("/proc/{}/fdinfo/{}", pid, name));
      for (const EpollEntry& entry : parse_epoll(text.value_or("")))
        watched[entry.descriptor] = entry.events;
    }
    const std::optional<std::uint64_t> inode = parse_socket_link(link);
    if (!inode) return;
    const auto row = known.find(*inode);
    SocketSeen socket = row == known.end() ? SocketSeen{.state = "CLOSE"} : row->second;
    socket.descriptor = number_in<int>(name).value_or(-1);
    sockets.push_back(std::move(socket));
  });
  for (SocketSeen& socket : sockets) {
    const auto entry = watched.find(socket.descriptor);
    if (entry != watched.end()) {
      socket.watched = way_of(entry->second);
      socket.events = words_of(entry->second);
    }
    into.push_back(std::move(socket));
  }
}

void see_process(pid_t pid, Snapshot& snapshot) {
  for_each_descriptor(pid, [&](std::string_view, std::string_view) { ++snapshot.descriptors; });
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0)
    snapshot.descriptor_limit = limit.rlim_cur;
  const auto status = read_proc(fmt::format("/proc/{}/status", pid));
  if (!status) return;
  snapshot.caught = parse_mask(*status, "SigCgt:").value_or(0);
  snapshot.ignored = parse_mask(*status, "SigIgn:").value_or(0);
  snapshot.blocked = parse_mask(*status, "SigBlk:").value_or(0);
}

}  // namespace

Snapshot observe(const TaskTable& table, const SocketTables& sockets,
                 const std::vector<pid_t>& processes) {
  Snapshot snapshot;
  for (const TaskFiles& files : table.tasks()) {
    const std::optional<TaskStat> stat = files.read_stat();
    if (stat && snapshot.tasks.size() < kMostTasks)
      snapshot.tasks.push_back(see_task(files, *stat));
  }
  const auto known = by_inode(sockets);
  for (const pid_t pid : processes) see_sockets(pid, known, snapshot.sockets);
  std::stable_sort(snapshot.sockets.begin(), snapshot.sockets.end(),
                   [](const SocketSeen& a, const SocketSeen& b) {
                     const auto rank = [](const SocketSeen& s) {
                       return s.state == "LISTEN" || s.state == "UDP" ? 0 : s.unread > 0 ? 1 : 2;
                     };
                     return rank(a) < rank(b);
                   });
  snapshot.sockets.resize(std::min(snapshot.sockets.size(), kMostSockets));
  if (!processes.empty()) see_process(processes.front(), snapshot);
  return snapshot;
}

std::vector<EpollEntry> parse_epoll(std::string_view fdinfo) {
  std::vector<EpollEntry> entries;
  for (const std::string_view line : lines_of(fdinfo)) {
    if (!line.starts_with("tfd:")) continue;
    const auto descriptor = number_in<int>(word_after(line, "tfd:"));
    const auto events = number_in<std::uint32_t>(word_after(line, "events:"), 16);
    if (descriptor && events) entries.push_back(EpollEntry{*descriptor, *events});
  }
  return entries;
}

std::string way_of(std::uint32_t events) {
  if ((events & EPOLLONESHOT) != 0) return "one-shot";
  return (events & EPOLLET) != 0 ? "edge" : "level";
}

std::string words_of(std::uint32_t events) {
  std::string words;
  const auto add = [&](std::uint32_t bit, const char* word) {
    if ((events & bit) != 0) words += (words.empty() ? "" : " ") + std::string(word);
  };
  add(EPOLLIN, "in");
  add(EPOLLOUT, "out");
  add(EPOLLRDHUP, "rdhup");
  return words;
}

std::optional<std::uint64_t> parse_mask(std::string_view status, std::string_view key) {
  for (const std::string_view line : lines_of(status)) {
    if (line.starts_with(key)) return number_in<std::uint64_t>(word_after(line, key), 16);
  }
  return std::nullopt;
}

}  // namespace sockdrill
