// What the server is seen to do and to hold where something may have gone wrong.

#include <algorithm>
#include <string_view>

#include "harness/sim/kernel/tcp.h"
#include "harness/sim/kernel/udp.h"
#include "harness/sim/kernel/unix_socket.h"
#include "harness/sim/tasks/scheduler.h"
#include "harness/simulated/server_view.h"
#include "harness/simulated/task_state.h"
#include "harness/watch/observe.h"

namespace sockdrill {

Wait wait_of(const sim::Task& task, Nanoseconds now) {
  const std::string_view call = task.call != nullptr ? task.call : "";
  const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), call) != words.end();
  };
  Wait wait{.call = std::string(call)};
  wait.is_blind = is_one_of({"nanosleep", "clock_nanosleep", "usleep", "sleep"});
  wait.is_output =
      is_one_of({"write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "sendfile", "splice"});
  wait.is_close = call == "close";
  if (task.until() != sim::kNever) {
    wait.kind = WaitKind::timed;
    wait.timeout = std::max(Nanoseconds{0}, task.until() - now);
    wait.is_absolute = true;
  }
  return wait;
}

bool runs(const sim::Task& task) {
  return task.state() == sim::Task::State::runnable ||
         task.calls_at_a_stretch >= sim::Scheduler::kQuantum;
}

char state_of(const sim::Task& task) {
  if (task.process.is_stopped) return 'T';
  return runs(task) ? 'R' : 'S';
}

namespace {

SocketSeen see_socket(const sim::Socket& socket, int fd) {
  SocketSeen seen{.descriptor = fd};
  if (const auto* tcp = dynamic_cast<const sim::TcpSocket*>(&socket); tcp != nullptr) {
    const sim::TcpEnd& end = tcp->end();
    seen.state = to_string(static_cast<SocketState>(end.state()));
    if (tcp->is_listening()) {
      seen.unread = const_cast<sim::TcpEnd&>(end).accept_queue().size();
      seen.unsent = end.backlog();
    } else {
      seen.unread = end.received.size() + (end.has_end() && !end.is_end_read() ? 1 : 0);
      seen.unsent = end.unsent();
    }
  } else if (const auto* udp = dynamic_cast<const sim::UdpSocket*>(&socket); udp != nullptr) {
    seen.state = udp->remote.port != 0 ? "UDP ESTABLISHED" : "UDP";
    seen.unread = udp->queued();
  } else if (const auto* local = dynamic_cast<const sim::UnixSocket*>(&socket); local != nullptr) {
    seen.state = to_string(local->is_listening()      ? SocketState::listen
                           : local->peer() != nullptr ? SocketState::established
                                                      : SocketState::close);
    seen.unread = local->is_listening() ? local->connections().size() : local->unread_octets();
  }
  return seen;
}

void see_watching(const sim::Process& process, std::vector<SocketSeen>& sockets) {
  for (int fd = 0; fd < process.descriptors.end(); ++fd) {
    const sim::File* const file = process.descriptors.find(fd);
    if (file == nullptr || file->kind() != sim::FileKind::epoll) continue;
    for (SocketSeen& socket : sockets) {
      const sim::EpollItem* const item =
          static_cast<const sim::EpollFile*>(file)->find(socket.descriptor);
      if (item == nullptr) continue;
      socket.watched = way_of(item->event().events);
      socket.events = words_of(item->event().events);
    }
  }
}

}  // namespace

Snapshot ServerView::observe() const {
  constexpr std::size_t kMost = 100;
  Snapshot snapshot;
  for (const sim::Process* process : processes()) {
    for (const sim::Task* task : scheduler_.tasks_of(*process)) {
      if (snapshot.tasks.size() == kMost) break;
      const bool does_run = runs(*task);
      const Wait wait = wait_of(*task, now());
      snapshot.tasks.push_back(TaskSeen{.pid = process->pid,
                                        .tid = task->id,
                                        .state = std::string(1, state_of(*task)),
                                        .call = does_run ? "" : wait.call,
                                        .doing = does_run ? "runs" : to_string(wait)});
    }
    std::vector<SocketSeen> sockets;
    for (int fd = 0; fd < process->descriptors.end(); ++fd) {
      sim::File* const file = process->descriptors.find(fd);
      if (file != nullptr && file->as_socket() != nullptr)
        sockets.push_back(see_socket(*file->as_socket(), fd));
    }
    see_watching(*process, sockets);
    snapshot.sockets.insert(snapshot.sockets.end(), sockets.begin(), sockets.end());
  }
  std::stable_sort(snapshot.sockets.begin(), snapshot.sockets.end(),
                   [](const SocketSeen& a, const SocketSeen& b) {
                     const auto rank = [](const SocketSeen& s) {
                       return s.state == "LISTEN" || s.state == "UDP" ? 0 : s.unread > 0 ? 1 : 2;
                     };
                     return rank(a) < rank(b);
                   });
  snapshot.sockets.resize(std::min(snapshot.sockets.size(), kMost));
  const std::vector<sim::Process*> alive = processes();
  if (alive.empty()) return snapshot;
  const sim::Process& first = *alive.front();
  snapshot.descriptors = static_cast<int>(first.descriptors.count());
  snapshot.descriptor_limit = first.descriptors.limit;
  for (int number = 1; number <= sim::kSignals; ++number) {
    const struct sigaction& action = first.signals.actions[static_cast<std::size_t>(number)];
    if (action.sa_handler == SIG_IGN)
      snapshot.ignored |= sim::bit_of(number);
    else if (action.sa_handler != SIG_DFL)
      snapshot.caught |= sim::bit_of(number);
  }
  if (!first.signals.threads.empty()) snapshot.blocked = first.signals.threads.front()->blocked;
  return snapshot;
}

}  // namespace sockdrill
