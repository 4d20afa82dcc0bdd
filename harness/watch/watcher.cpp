#include <fmt/format.h>

#include <utility>

#include "harness/watch/listeners.h"
#include "harness/watch/look.h"
#include "harness/watch/observe.h"
#include "harness/watch/proc_files.h"
#include "harness/watch/remote.h"
#include "harness/watch/resources.h"
#include "harness/watch/watch.h"

namespace sockdrill {

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
  return "unknown";
}

struct Watcher::Impl {
  Impl(OwnedFd netlink, pid_t agent_pid, ListProcesses processes, WatchOptions watch_options)
      : diag(std::move(netlink)),
        agent(agent_pid),
        list_processes(std::move(processes)),
        options(watch_options) {}

  [[nodiscard]] Ownership find_ownership(const std::vector<ClientSocket>& clients) const {
    Ownership ownership{.is_isolated = options.isolated, .ours = {}, .servers = {}};
    for (const ClientSocket& client : clients) ownership.ours.insert(client.inode);
    if (!options.isolated) ownership.servers = list_socket_inodes(list_processes());
    return ownership;
  }

  /// What a kernel without unix_diag or udp_diag cannot tell is not there; the rest is.
  SocketTables dump(std::optional<Transport> only) {
    SocketTables tables;
    const WhichTables which{.tcp = !only || *only == Transport::tcp,
                            .udp = !only || *only == Transport::udp,
                            .local = !only || is_unix(*only)};
    static_cast<void>(diag.dump(which, tables));
    return tables;
  }

  DiagSocket diag;
  pid_t agent;
  ListProcesses list_processes;
  WatchOptions options;
  TaskTable table;
  Looker looker{diag, table, options, list_processes};
};

Watcher::Watcher(OwnedFd diag, pid_t agent, std::function<std::vector<pid_t>()> processes,
                 WatchOptions options)
    : impl_(std::make_unique<Impl>(std::move(diag), agent, std::move(processes), options)) {}
Watcher::~Watcher() = default;
Watcher::Watcher(Watcher&&) noexcept = default;
Watcher& Watcher::operator=(Watcher&&) noexcept = default;

RestReport Watcher::look(const std::vector<ClientSocket>& clients) {
  return impl_->looker.look(clients);
}

std::vector<Listener> Watcher::listeners(const std::vector<ClientSocket>& clients,
                                         std::optional<Transport> only) {
  return find_listeners(impl_->dump(only), impl_->find_ownership(clients));
}

Resources Watcher::sample(const std::vector<ClientSocket>& clients) {
  impl_->looker.complete_table();
  Resources sum = sample_tasks(impl_->table);
  SocketTables tables;
  if (impl_->diag.dump_tcp(tables.tcp)) {
    sum.close_wait = count_close_wait(tables, impl_->find_ownership(clients));
  }
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
    const auto text = task.read_syscall();
    const auto line = text ? parse_syscall(*text) : std::nullopt;
    const auto stat = task.read_stat();
    if (!stat) continue;
    const std::string doing = has_ended(stat->state) ? "has ended"
                              : line ? to_string(classify_wait(*line, memory_of(task.pid())))
                                     : "runs";
    lines.push_back(fmt::format("{}/{} {} {}", task.pid(), task.tid(), stat->state, doing));
  }
  return lines;
}

Snapshot Watcher::observe() {
  const std::vector<pid_t> processes = impl_->list_processes();
  impl_->table.refresh(processes);
  return sockdrill::observe(impl_->table, impl_->dump(std::nullopt), processes);
}

std::uint64_t Watcher::dropped_datagrams() {
  std::uint64_t sum = 0;
  if (const auto text = read_proc(fmt::format("/proc/{}/net/snmp", impl_->agent))) {
    sum += parse_snmp(*text, "Udp", "InErrors").value_or(0);
  }
  if (const auto text = read_proc(fmt::format("/proc/{}/net/snmp6", impl_->agent))) {
    sum += parse_snmp6(*text, "Udp6InErrors").value_or(0);
  }
  return sum;
}

}  // namespace sockdrill
