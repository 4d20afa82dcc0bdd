#include "harness/simulated/server_view.h"

#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "harness/base/text.h"
#include "harness/sim/kernel/tcp.h"
#include "harness/sim/kernel/udp.h"
#include "harness/sim/kernel/unix_socket.h"
#include "harness/simulated/task_state.h"

namespace sockdrill {

namespace {

SocketAddress to_address(const sim::Endpoint& endpoint) {
  return sim::write_endpoint(endpoint.address.is_ipv4() ? AF_INET : AF_INET6, endpoint);
}

/// "server <- client".
std::string path_of(const sim::TcpEnd& server) {
  return fmt::format("{} <- {}", to_string(to_address(server.binding.local)),
                     to_string(to_address(server.remote)));
}

bool is_settled_state(sim::TcpState state) {
  return state == sim::TcpState::closed || state == sim::TcpState::time_wait;
}

}  // namespace

ServerView::ServerView(sim::Scheduler& scheduler, const sim::Process& clients_process,
                       const SimulatedClients& clients)
    : scheduler_(scheduler), clients_process_(clients_process), clients_(clients) {}

std::vector<sim::Process*> ServerView::processes() const {
  std::vector<sim::Process*> found;
  sim::Kernel& kernel = scheduler_.kernel();
  for (const auto& process : kernel.processes()) {
    const bool is_ours = process.get() == &kernel.init() || process.get() == &clients_process_;
    if (!is_ours && !process->is_zombie) found.push_back(process.get());
  }
  return found;
}

std::vector<sim::Socket*> ServerView::sockets_of(const sim::Process& process) const {
  std::vector<sim::Socket*> found;
  for (int fd = 0; fd < process.descriptors.end(); ++fd) {
    sim::File* const file = process.descriptors.find(fd);
    if (file != nullptr && file->as_socket() != nullptr) found.push_back(file->as_socket());
  }
  return found;
}

void ServerView::note_unread(const sim::Socket* client, Standing& standing) const {
  if (client != nullptr) standing.unread_of.push_back(client->inode());
}

/// One socket of the server's: does input wait at it, or output behind it?
void ServerView::judge(const sim::Socket& socket, Standing& standing) const {
  if (const auto* tcp = dynamic_cast<const sim::TcpSocket*>(&socket); tcp != nullptr) {
    const sim::TcpEnd& end = tcp->end();
    mix(standing, {socket.inode(), static_cast<std::uint64_t>(end.state()), end.received.size(),
                   end.unsent(), end.is_end_read() ? 1U : 0U});
    if (end.state() == sim::TcpState::listening) {
      for (const auto& child : const_cast<sim::TcpEnd&>(end).accept_queue()) {
        note(standing.waiting, [&] { return "not accepted: " + path_of(child->end()); });
        judge(*child, standing);
      }
      return;
    }
    // A socket that was reset is out of the tables: what stands in it is nobody's any more.
    if (is_settled_state(end.state())) return;
    const sim::Socket* const client = end.peer() != nullptr ? end.peer()->socket() : nullptr;
    const bool is_mark_only =
        end.received.size() == 1 && end.has_urgent() && end.urgent_offset() == 0;
    if (!end.received.is_empty() && !is_mark_only) {
      note(standing.waiting, [&] {
        return fmt::format("{} unread on {}", count_of(end.received.size(), "byte"), path_of(end));
      });
      note_unread(client, standing);
    } else if (end.has_end() && !end.is_end_read()) {
      note(standing.waiting, [&] { return "end of stream unread on " + path_of(end); });
      note_unread(client, standing);
    } else if (tcp->is_waiting()) {
      note_unread(client, standing);
    }
    if (end.peer() != nullptr && end.peer()->unsent() > 0) {
      note(standing.waiting, [&] {
        return fmt::format("{} for {} held up by a closed window",
                           count_of(end.peer()->unsent(), "byte"), path_of(end));
      });
      note_unread(client, standing);
    }
    if (end.unsent() > 0) {
      note(standing.waiting, [&] {
        return fmt::format("{} from {} held up by a closed window", count_of(end.unsent(), "byte"),
                           path_of(end));
      });
    }
    return;
  }
  if (const auto* udp = dynamic_cast<const sim::UdpSocket*>(&socket); udp != nullptr) {
    mix(standing, {socket.inode(), udp->queued(), udp->drops()});
    if (udp->queued() > 0) {
      note(standing.waiting, [&] {
        return fmt::format("{} unread on {}", count_of(udp->queued(), "datagram"),
                           to_string(to_address(udp->binding.local)));
      });
    }
    return;
  }
  if (const auto* local = dynamic_cast<const sim::UnixSocket*>(&socket); local != nullptr) {
    mix(standing,
        {socket.inode(), local->queued(), local->unread_octets(), local->has_ended() ? 1U : 0U});
    for (const auto& child : local->connections()) {
      note(standing.waiting, [] { return std::string("not accepted: an AF_UNIX connection"); });
      judge(*child, standing);
      note_unread(child->peer(), standing);
    }
    if (local->queued() > 0) {
      note(standing.waiting, [&] {
        return fmt::format("{} unread on an AF_UNIX socket",
                           count_of(local->unread_octets(), "byte"));
      });
      note_unread(local->peer(), standing);
    }
  }
}

bool ServerView::is_running() const {
  return std::ranges::any_of(processes(), [this](const sim::Process* process) {
    return std::ranges::any_of(scheduler_.tasks_of(*process),
                               [](const sim::Task* task) { return runs(*task); });
  });
}

/// " in accept, recvfrom": the calls that its tasks wait in.
std::string ServerView::where_it_sleeps() const {
  std::set<std::string> calls;
  for (const sim::Process* process : processes()) {
    for (const sim::Task* task : scheduler_.tasks_of(*process)) {
      if (task->call != nullptr) calls.insert(task->call);
    }
  }
  return calls.empty() ? "" : fmt::format(" in {}", fmt::join(calls, ", "));
}

std::optional<std::string> ServerView::stalled(bool serves_all_at_once,
                                               std::optional<std::uint64_t> most) const {
  std::set<const sim::Socket*> seen;  // processes share sockets
  std::size_t accepted = 0;
  std::size_t waiting = 0;
  std::optional<std::string> found;
  if (is_running()) return std::nullopt;
  for (const sim::Process* process : processes()) {
    for (const sim::Socket* socket : sockets_of(*process)) {
      if (!seen.insert(socket).second) continue;
      if (const auto* udp = dynamic_cast<const sim::UdpSocket*>(socket);
          udp != nullptr && udp->queued() > 0)
        return count_of(udp->queued(), "datagram") + " unread while everything sleeps" +
               where_it_sleeps();
      const auto* const tcp = dynamic_cast<const sim::TcpSocket*>(socket);
      if (tcp == nullptr) continue;
      const sim::TcpEnd& end = tcp->end();
      if (end.state() == sim::TcpState::listening)
        waiting += const_cast<sim::TcpEnd&>(end).accept_queue().size();
      if (end.peer() == nullptr || is_settled_state(end.state())) continue;
      ++accepted;
      const bool is_heard = end.peer()->socket() != nullptr && !end.is_read_shut();
      if (is_heard && !end.has_urgent() && !end.received.is_empty() && end.unsent() == 0)
        found = count_of(end.received.size(), "byte") + " unread on " + path_of(end) +
                " while everything sleeps" + where_it_sleeps();
    }
  }
  // One that says how many it serves at a time lets the others wait.
  if (!found && waiting > 0 && accepted < most.value_or(UINT64_MAX))
    found = count_of(waiting, "connection") + " not accepted while everything sleeps" +
            where_it_sleeps();
  return serves_all_at_once || accepted + waiting == 1 ? found : std::nullopt;
}

Standing ServerView::standing() const {
  Standing standing;
  std::set<const sim::Socket*> seen;  // processes share sockets
  for (const sim::Process* process : processes()) {
    for (const sim::Socket* socket : sockets_of(*process)) {
      if (seen.insert(socket).second) judge(*socket, standing);
    }
  }
  for (const auto& [id, client] : clients_.all()) {
    mix(standing, {client.socket->inode(), client.sent_bytes});
    const auto* tcp = dynamic_cast<const sim::TcpSocket*>(client.socket.get());
    if (tcp == nullptr) continue;
    mix(standing, {client.socket->inode(), static_cast<std::uint64_t>(tcp->end().state()),
                   tcp->end().received.size()});
    if (tcp->end().state() != sim::TcpState::syn_sent) continue;
    standing.is_soft = true;  // SYNs are repeated, and may find room one day
    note(standing.waiting, [&] {
      return "the accept queue is full for " + to_string(to_address(tcp->end().remote));
    });
  }
  return standing;
}

TaskView ServerView::see(const sim::Task& task) {
  const auto [found, is_new] = marks_.try_emplace(task.id, Mark{task.sleeps, task.calls});
  const Mark& mark = found->second;
  TaskView view{.pid = task.process.pid,
                .tid = task.id,
                .was_off_cpu = true,
                .state = state_of(task),
                .wait = wait_of(task, now()),
                .sleeps_since = task.sleeps - mark.sleeps,
                .ran_since = std::chrono::microseconds(task.calls - mark.calls)};
  if (view.wait.kind == WaitKind::timed) {
    view.timer_over_at = now() - resting_since_ + view.wait.timeout;
    view.wakes_soon = view.wait.timeout <= kLongestTimeout;
  }
  return view;
}

RestReport ServerView::look() {
  RestView view{.tasks = {},
                .sockets = standing(),
                .is_steady = true,
                .is_network_quiet = true,
                .knows_timers = true,
                .timer = std::nullopt};
  if (view.sockets.fingerprint != fingerprint_) {
    fingerprint_ = view.sockets.fingerprint;
    resting_since_ = now();
    marks_.clear();
  }
  view.held_for = now() - resting_since_;
  for (const sim::Process* process : processes()) {
    for (const sim::Task* task : scheduler_.tasks_of(*process)) {
      if (task->state() != sim::Task::State::finished) view.tasks.push_back(see(*task));
    }
  }
  // A timerfd, an alarm: told by the kernel when it is due.
  const Nanoseconds timer = scheduler_.kernel().next_program_timer();
  if (timer != sim::kNever) view.timer = timer - resting_since_;
  return decide(view);
}

Resources ServerView::sample() const {
  Resources sum;
  std::set<const sim::Socket*> seen;
  for (const auto& process : scheduler_.kernel().processes()) {
    const bool is_ours =
        process.get() == &scheduler_.kernel().init() || process.get() == &clients_process_;
    if (is_ours) continue;
    if (process->is_zombie) {
      ++sum.zombies;
      continue;
    }
    ++sum.processes;
    sum.descriptors += static_cast<int>(process->descriptors.count());
    for (const sim::Task* task : scheduler_.tasks_of(*process)) {
      if (task->state() == sim::Task::State::finished) continue;
      ++sum.threads;
      sum.runs += task->sleeps;
    }
    sum.ran += scheduler_.processor_time(*process);
    for (const sim::Socket* socket : sockets_of(*process)) {
      const auto* tcp = dynamic_cast<const sim::TcpSocket*>(socket);
      if (tcp != nullptr && tcp->end().state() == sim::TcpState::close_wait &&
          seen.insert(tcp).second)
        ++sum.close_wait;
    }
  }
  return sum;
}

std::vector<std::string> ServerView::describe_tasks() const {
  std::vector<std::string> lines;
  for (const sim::Process* process : processes()) {
    for (const sim::Task* task : scheduler_.tasks_of(*process)) {
      lines.push_back(fmt::format("{}/{} {} {}", process->pid, task->id, state_of(*task),
                                  to_string(wait_of(*task, now()))));
    }
  }
  return lines;
}

std::vector<Listener> ServerView::listeners() const {
  std::vector<Listener> found;
  std::set<const sim::Socket*> seen;
  for (const sim::Process* process : processes()) {
    for (sim::Socket* socket : sockets_of(*process)) {
      if (!seen.insert(socket).second) continue;
      Listener listener{.inode = socket->inode()};
      if (const auto name = socket->name(); name) listener.address = *name;
      if (const auto* udp = dynamic_cast<const sim::UdpSocket*>(socket); udp != nullptr) {
        if (udp->binding.local.port == 0 || udp->remote.port != 0) continue;
        listener.transport = Transport::udp;
      } else if (const auto* local = dynamic_cast<const sim::UnixSocket*>(socket);
                 local != nullptr) {
        const bool is_datagram = socket->type() == SOCK_DGRAM;
        if (is_datagram ? local->bound_name().empty() || local->peer() != nullptr
                        : !local->is_listening())
          continue;
        listener.transport = is_datagram                        ? Transport::unix_dgram
                             : socket->type() == SOCK_SEQPACKET ? Transport::unix_seqpacket
                                                                : Transport::unix_stream;
      } else if (!socket->is_listening()) {
        continue;
      }
      found.push_back(listener);
    }
  }
  return found;
}

}  // namespace sockdrill
