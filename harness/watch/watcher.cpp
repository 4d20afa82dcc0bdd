#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/watch/resources.h"
#include "harness/watch/rest.h"
#include "harness/watch/sock_diag.h"
#include "harness/watch/standing.h"
#include "harness/watch/task_table.h"
#include "harness/watch/watch.h"

namespace sockdrill {
namespace {

/// What a thread had done when the sockets came to rest, and when it was last found at rest.
struct TaskMark {
  std::uint64_t runs = 0;
  std::uint64_t switches = 0;
  bool has_switches = false;
  std::uint64_t ran_ns = 0;
  std::optional<std::uint64_t> runs_at_rest;
};

/// A thread at A.
struct TaskAtA {
  const TaskFiles* files = nullptr;
  SchedStat sched;
  bool was_off_cpu = false;
  SyscallLine line;
};

ReadMemory memory_of(pid_t pid) {
  return [pid](std::uint64_t address, std::span<std::byte> into) {
    iovec local{into.data(), into.size()};
    // An address of another process, not a pointer of ours.
    iovec remote{reinterpret_cast<void*>(address), into.size()};  // NOLINT
    return ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(into.size());
  };
}

std::optional<TcpCounters> ask_tcp_info(Fd fd) {
  std::array<std::byte, 512> info{};
  socklen_t length = info.size();
  if (::getsockopt(raw(fd), IPPROTO_TCP, TCP_INFO, info.data(), &length) != 0) return std::nullopt;
  return parse_tcp_info(std::span<const std::byte>(info).first(length));
}

SocketAddress address_of_unix(const std::string& name) {
  SocketAddress address;
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  const std::size_t length = std::min(name.size(), sizeof(path.sun_path));
  std::memcpy(&path.sun_path[0], name.data(), length);
  std::memcpy(&address.storage, &path, sizeof(path));
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length +
                                          (name.starts_with('\0') ? 0 : 1));
  return address;
}

Transport transport_of(const UnixSocket& socket) {
  if (socket.type == SOCK_DGRAM) return Transport::unix_dgram;
  return socket.type == SOCK_SEQPACKET ? Transport::unix_seqpacket : Transport::unix_stream;
}

}  // namespace

std::string to_string(Rest rest) {
  switch (rest) {
    case Rest::busy:
      return "busy";
    case Rest::settled:
      return "settled";
    case Rest::blocked:
      return "blocked";
    case Rest::gone:
      return "gone";
  }
  return "busy";
}

struct Watcher::Impl {
  DiagSocket diag;
  pid_t agent;
  std::function<std::vector<pid_t>()> list_processes;
  WatchOptions options;

  OwnedFd softnet;
  TaskTable table;
  SocketTables tables;
  StandingMemory memory;
  std::uint64_t last_fingerprint = 0;  ///< of the last dump
  bool has_rest = false;
  std::uint64_t rest_fingerprint = 0;
  Nanoseconds rest_since{0};
  std::unordered_map<pid_t, TaskMark> marks;

  Impl(OwnedFd netlink, pid_t agent_pid, std::function<std::vector<pid_t>()> processes,
       WatchOptions watch_options)
      : diag(std::move(netlink)),
        agent(agent_pid),
        list_processes(std::move(processes)),
        options(watch_options),
        softnet(::open("/proc/thread-self/net/softnet_stat", O_RDONLY | O_CLOEXEC)) {}

  RestReport look(const std::vector<ClientSocket>& clients);
  std::optional<std::vector<TaskAtA>> see_a();
  [[nodiscard]] TaskAtA see_task(const TaskFiles& files, const SchedStat& sched) const;
  SysResult<Standing> see_sockets(const std::vector<ClientSocket>& clients);
  std::optional<std::vector<TaskView>> see_b(const std::vector<TaskAtA>& seen);
  bool is_network_quiet();
  void keep_rest(const Standing& standing, const std::vector<TaskAtA>& seen);
  void compare(TaskView& view, const TaskAtA& seen);
  std::unordered_set<std::uint64_t> server_inodes() const;
};

std::optional<std::vector<TaskAtA>> Watcher::Impl::see_a() {
  std::vector<TaskAtA> seen;
  seen.reserve(table.tasks().size());
  for (const TaskFiles& files : table.tasks()) {
    const auto sched = files.read_schedstat();
    if (!sched) return std::nullopt;
    seen.push_back(see_task(files, *sched));
  }
  return seen;
}

TaskAtA Watcher::Impl::see_task(const TaskFiles& files, const SchedStat& sched) const {
  TaskAtA seen{.files = &files, .sched = sched};
  const auto text = files.read_syscall();
  if (text) {
    const auto line = parse_syscall(*text);
    seen.was_off_cpu = line.has_value();
    if (line) seen.line = *line;
  } else if (const auto stat = files.read_stat()) {
    // Not dumpable, and we may not trace it. Its state alone is weaker, but all there is.
    seen.was_off_cpu = stat->state == 'S' || stat->state == 'T';
  }
  return seen;
}

SysResult<Standing> Watcher::Impl::see_sockets(const std::vector<ClientSocket>& clients) {
  tables.tcp.clear();
  tables.udp.clear();
  tables.local.clear();
  const auto wants = [&](bool (*is_wanted)(Transport)) {
    return clients.empty() ||
           std::any_of(clients.begin(), clients.end(),
                       [&](const ClientSocket& each) { return is_wanted(each.transport); });
  };
  SysResult<void> done{};
  if (wants([](Transport t) { return t == Transport::tcp; })) done = diag.dump_tcp(tables.tcp);
  if (done && wants([](Transport t) { return t == Transport::udp; })) {
    done = diag.dump_udp(tables.udp);
  }
  if (done && wants(is_unix)) done = diag.dump_unix(tables.local);
  if (!done) return fail(done.error());
  return judge_sockets(tables, clients, options, ask_tcp_info, memory);
}

std::optional<std::vector<TaskView>> Watcher::Impl::see_b(const std::vector<TaskAtA>& seen) {
  std::vector<TaskView> views;
  views.reserve(seen.size());
  for (const TaskAtA& at_a : seen) {
    const auto stat = at_a.files->read_stat();
    const auto sched = at_a.files->read_schedstat();
    if (!stat || !sched) return std::nullopt;
    if (has_ended(stat->state)) continue;
    TaskView view{.pid = at_a.files->pid(), .tid = at_a.files->tid()};
    view.was_off_cpu = at_a.was_off_cpu;
    view.runs_a = at_a.sched.runs;
    view.state = stat->state;
    view.runs_b = sched->runs;
    if (at_a.was_off_cpu) view.wait = classify_wait(at_a.line, memory_of(view.pid));
    views.push_back(std::move(view));
  }
  return views;
}

bool Watcher::Impl::is_network_quiet() {
  std::array<char, 16384> text{};
  if (!softnet.is_open()) return true;
  const ssize_t length = ::pread(softnet.raw(), text.data(), text.size(), 0);
  if (length <= 0) return true;
  return parse_backlog(std::string_view(text.data(), static_cast<std::size_t>(length)))
             .value_or(0) == 0;
}

/// Notes since when the sockets have stood as they stand.
void Watcher::Impl::keep_rest(const Standing& standing, const std::vector<TaskAtA>& seen) {
  if (!standing.under_way.empty()) {
    has_rest = false;
    return;
  }
  if (has_rest && rest_fingerprint == standing.fingerprint) return;
  has_rest = true;
  rest_fingerprint = standing.fingerprint;
  rest_since = monotonic_now();
  std::unordered_map<pid_t, TaskMark> fresh;
  for (const TaskAtA& task : seen) {
    TaskMark mark{.runs = task.sched.runs, .ran_ns = task.sched.ran_ns};
    const auto old = marks.find(task.files->tid());
    if (old != marks.end()) mark.runs_at_rest = old->second.runs_at_rest;
    fresh[task.files->tid()] = mark;
  }
  marks = std::move(fresh);
}

void Watcher::Impl::compare(TaskView& view, const TaskAtA& seen) {
  const auto [found, is_new] = marks.try_emplace(view.tid, TaskMark{});
  TaskMark& mark = found->second;
  if (is_new) mark = TaskMark{.runs = seen.sched.runs, .ran_ns = seen.sched.ran_ns};
  view.runs_since = view.runs_b - mark.runs;
  view.ran_since = Nanoseconds(static_cast<std::int64_t>(seen.sched.ran_ns - mark.ran_ns));
  view.is_untouched = mark.runs_at_rest == view.runs_b;
  if (!view.wait.is_blind || view.is_untouched) return;
  const std::uint64_t switches = seen.files->read_voluntary_switches().value_or(0);
  if (!mark.has_switches) {
    mark.has_switches = true;
    mark.switches = switches;
  }
  view.switches_since = switches - mark.switches;
}

RestReport Watcher::Impl::look(const std::vector<ClientSocket>& clients) {
  if (table.tasks().empty()) table.refresh(list_processes());
  const auto seen = see_a();
  const auto has_changed = [&] {
    table.refresh(list_processes());
    if (table.tasks().empty())
      return RestReport{.rest = Rest::gone, .because = "no process is left"};
    return RestReport{.because = "threads have come or gone"};
  };
  if (!seen) return has_changed();
  if (!options.polls) {
    for (const TaskAtA& task : *seen) {
      if (!task.was_off_cpu) {
        return RestReport{.because = fmt::format("thread {} is running", task.files->tid())};
      }
    }
  }

  RestView view{.polls = options.polls, .knows_timers = true, .timer = std::nullopt};
  view.is_network_quiet = is_network_quiet();
  auto standing = see_sockets(clients);
  if (standing && standing->under_way.empty() && standing->fingerprint != last_fingerprint) {
    last_fingerprint = standing->fingerprint;
    standing = see_sockets(clients);
  }
  if (!standing) return RestReport{.because = "sock_diag: " + describe(standing.error())};
  view.is_steady = standing->fingerprint == last_fingerprint;
  last_fingerprint = standing->fingerprint;
  keep_rest(*standing, *seen);
  view.held_for = has_rest ? monotonic_now() - rest_since : Nanoseconds{0};
  view.sockets = std::move(*standing);

  auto tasks = see_b(*seen);
  if (!tasks || !table.is_complete(list_processes())) return has_changed();
  for (TaskView& task : *tasks) {
    const auto at_a = std::find_if(seen->begin(), seen->end(), [&](const TaskAtA& each) {
      return each.files->tid() == task.tid;
    });
    compare(task, *at_a);
  }
  view.tasks = std::move(*tasks);
  const RestReport report = decide(view);
  if (report.rest == Rest::settled || report.rest == Rest::blocked) {
    for (const TaskView& task : view.tasks) marks[task.tid].runs_at_rest = task.runs_b;
  }
  return report;
}

std::unordered_set<std::uint64_t> Watcher::Impl::server_inodes() const {
  return list_socket_inodes(list_processes());
}

Watcher::Watcher(OwnedFd diag, pid_t agent, std::function<std::vector<pid_t>()> processes,
                 WatchOptions options)
    : impl_(std::make_unique<Impl>(std::move(diag), agent, std::move(processes), options)) {}
Watcher::~Watcher() = default;
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;

RestReport Watcher::look(const std::vector<ClientSocket>& clients) { return impl_->look(clients); }

std::vector<Listener> Watcher::listeners(const std::vector<ClientSocket>& clients) {
  SocketTables tables;
  if (!impl_->diag.dump_tcp(tables.tcp) || !impl_->diag.dump_udp(tables.udp) ||
      !impl_->diag.dump_unix(tables.local)) {
    return {};
  }
  std::unordered_set<std::uint64_t> ours;
  for (const ClientSocket& client : clients) ours.insert(client.inode);
  const auto servers =
      impl_->options.isolated ? std::unordered_set<std::uint64_t>{} : impl_->server_inodes();
  const auto is_servers = [&](std::uint64_t inode) {
    return !ours.contains(inode) && (impl_->options.isolated || servers.contains(inode));
  };
  std::vector<Listener> found;
  for (const InetSocket& socket : tables.tcp) {
    if (socket.state != SocketState::listen || !is_servers(socket.inode)) continue;
    found.push_back({Transport::tcp, to_address(socket.local, socket.family), socket.inode,
                     socket.unread, socket.unsent});
  }
  for (const InetSocket& socket : tables.udp) {
    if (socket.remote.port != 0 || socket.local.port == 0 || !is_servers(socket.inode)) continue;
    found.push_back({Transport::udp, to_address(socket.local, socket.family), socket.inode, 0, 0});
  }
  for (const UnixSocket& socket : tables.local) {
    const bool listens = socket.state == SocketState::listen;
    const bool is_bound = socket.type == SOCK_DGRAM && !socket.name.empty() && socket.peer == 0;
    if (!(listens || is_bound) || !is_servers(socket.inode)) continue;
    found.push_back({transport_of(socket), address_of_unix(socket.name), socket.inode,
                     listens ? socket.unread : 0, listens ? socket.unconsumed : 0});
  }
  return found;
}

Resources Watcher::sample(const std::vector<ClientSocket>& clients) {
  impl_->table.refresh(impl_->list_processes());
  Resources sum = sample_tasks(impl_->table);
  std::vector<InetSocket> sockets;
  if (!impl_->diag.dump_tcp(sockets)) return sum;
  std::unordered_set<std::uint64_t> ours;
  for (const ClientSocket& client : clients) ours.insert(client.inode);
  const auto servers =
      impl_->options.isolated ? std::unordered_set<std::uint64_t>{} : impl_->server_inodes();
  sum.close_wait =
      static_cast<int>(std::count_if(sockets.begin(), sockets.end(), [&](const InetSocket& socket) {
        return socket.state == SocketState::close_wait && socket.inode != 0 &&
               !ours.contains(socket.inode) &&
               (impl_->options.isolated || servers.contains(socket.inode));
      }));
  return sum;
}

bool Watcher::is_stopped() {
  impl_->table.refresh(impl_->list_processes());
  bool has_any = false;
  for (const TaskFiles& task : impl_->table.tasks()) {
    const auto stat = task.read_stat();
    if (!stat || has_ended(stat->state)) continue;
    if (stat->state != 'T') return false;
    has_any = true;
  }
  return has_any;
}

std::vector<std::string> Watcher::describe_tasks() {
  impl_->table.refresh(impl_->list_processes());
  std::vector<std::string> lines;
  for (const TaskFiles& task : impl_->table.tasks()) {
    const auto stat = task.read_stat();
    if (!stat) continue;
    const auto text = task.read_syscall();
    const auto line = text ? parse_syscall(*text) : std::nullopt;
    lines.push_back(fmt::format(
        "{}/{} {} {}", task.pid(), task.tid(), stat->state,
        line ? to_string(classify_wait(*line, memory_of(task.pid()))) : std::string("running")));
  }
  return lines;
}

std::uint64_t Watcher::dropped_datagrams() {
  std::uint64_t sum = 0;
  if (const auto text = read_small_file(fmt::format("/proc/{}/net/snmp", impl_->agent))) {
    sum += parse_snmp(*text, "Udp", "InErrors").value_or(0);
  }
  if (const auto text = read_small_file(fmt::format("/proc/{}/net/snmp6", impl_->agent))) {
    sum += parse_snmp6(*text, "Udp6InErrors").value_or(0);
  }
  return sum;
}

}  // namespace sockdrill
