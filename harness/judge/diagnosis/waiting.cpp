// The server sleeps while something waits for it: told by what its threads sleep in.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

/// The listener where connections wait, while the server sleeps.
const SocketSeen* waiting_listener(const Evidence& evidence) {
  const Snapshot* now = evidence.asleep();
  return now == nullptr || !evidence.is("step") ? nullptr : find_waiting(*now, "LISTEN");
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

const SocketSeen* socket_at(const Snapshot& snapshot, int descriptor) {
  const auto found = std::find_if(snapshot.sockets.begin(), snapshot.sockets.end(),
                                  [&](const SocketSeen& s) { return s.descriptor == descriptor; });
  return found == snapshot.sockets.end() ? nullptr : &*found;
}

/// The only thread of the server, where it is the only one.
const TaskSeen* only_task(const Evidence& evidence) {
  const Snapshot* now = evidence.asleep();
  return now != nullptr && evidence.is("step") && now->tasks.size() == 1 ? &now->tasks[0] : nullptr;
}

Found find_edge_read(const Evidence& evidence) {
  const Snapshot* now = evidence.asleep();
  if (now == nullptr || !evidence.is("step")) return {};
  for (const SocketSeen& socket : now->sockets) {
    if (socket.watched != "edge" || socket.unread == 0) continue;
    if (!is_one_of(socket.state, {"ESTABLISHED", "CLOSE_WAIT"})) continue;
    if (socket.events.find("in") == std::string::npos) continue;
    const bool is_end = socket.state == "CLOSE_WAIT" && socket.unread == 1;
    return fmt::format("the server sleeps with {} unread on descriptor {}, which is edge-triggered",
                       is_end ? "the client's end" : count_of(socket.unread, "octet"),
                       socket.descriptor);
  }
  return {};
}

Found find_edge_accept(const Evidence& evidence) {
  const SocketSeen* listener = waiting_listener(evidence);
  if (listener == nullptr || listener->watched != "edge") return {};
  return fmt::format(
      "the server sleeps with {} in the backlog of descriptor {}, which is edge-triggered",
      count_of(listener->unread, "connection"), listener->descriptor);
}

/// A listener with somebody in its backlog that nobody looks at, after a limit was reached; null.
const SocketSeen* given_up_listener(const Evidence& evidence, bool is_of_processes) {
  const Snapshot* now = evidence.asleep();
  const Event* limited = evidence.in_case(Kind::limited);
  if (now == nullptr || limited == nullptr) return nullptr;
  if ((limited->text == "processes") != is_of_processes) return nullptr;
  const SocketSeen* listener = find_waiting(*now, "LISTEN");
  const bool has_room = static_cast<std::uint64_t>(now->descriptors) + 1 < now->descriptor_limit;
  if (listener == nullptr || !has_room || !listener->watched.empty()) return nullptr;
  const bool accepts = std::any_of(now->tasks.begin(), now->tasks.end(), [&](const TaskSeen& t) {
    return t.descriptor == listener->descriptor;
  });
  return accepts ? nullptr : listener;
}

Found find_given_up(const Evidence& evidence) {
  const SocketSeen* listener = given_up_listener(evidence, false);
  if (listener == nullptr) return {};
  return fmt::format(
      "descriptors ran out and are free again, and the server sleeps with {} in the backlog",
      count_of(listener->unread, "connection"));
}

Found find_given_up_without_process(const Evidence& evidence) {
  const SocketSeen* listener = given_up_listener(evidence, true);
  if (listener == nullptr) return {};
  return fmt::format(
      "no process and no thread could be had for a while, and the server sleeps with {} in the "
      "backlog",
      count_of(listener->unread, "connection"));
}

Found find_blocked_reading(const Evidence& evidence) {
  const TaskSeen* task = only_task(evidence);
  const SocketSeen* listener = waiting_listener(evidence);
  if (task == nullptr || listener == nullptr) return {};
  if (!is_one_of(task->call, {"read", "recvfrom", "recvmsg", "readv"})) return {};
  const SocketSeen* socket = socket_at(*evidence.asleep(), task->descriptor);
  if (socket == nullptr || socket->state != "ESTABLISHED" || socket->unread > 0) return {};
  return fmt::format(
      "the server's only thread sleeps in {}, and {} in the backlog", task->doing,
      count_of(listener->unread, "connection") + (listener->unread == 1 ? " waits" : " wait"));
}

Found find_blocked_writing(const Evidence& evidence) {
  const TaskSeen* task = only_task(evidence);
  if (task == nullptr || !is_one_of(task->call, {"write", "sendto", "sendmsg", "writev"}))
    return {};
  const SocketSeen* socket = socket_at(*evidence.asleep(), task->descriptor);
  if (socket == nullptr || socket->unsent == 0) return {};
  return fmt::format("the server's only thread sleeps in {} for a client that does not read",
                     task->doing);
}

Found find_blocked_in_log(const Evidence& evidence) {
  const Snapshot* now = evidence.asleep();
  if (now == nullptr || !evidence.is("step")) return {};
  for (const TaskSeen& task : now->tasks) {
    const bool is_output = task.descriptor == 1 || task.descriptor == 2;
    if (is_output && is_one_of(task.call, {"write", "writev"}))
      return fmt::format("the server sleeps in {}: nobody reads its output", task.doing);
  }
  return {};
}

Found find_lost_workers(const Evidence& evidence) {
  const SocketSeen* listener = waiting_listener(evidence);
  const Resources* before = evidence.baseline();
  // A thread a client comes and goes; one of a pool goes with a client that fails it.
  const bool has_reset = evidence.in_case(Kind::was_reset) != nullptr;
  const bool is_limited = evidence.in_case(Kind::limited) != nullptr;
  if (listener == nullptr || before == nullptr || !has_reset || is_limited) return {};
  const auto now = static_cast<int>(evidence.asleep()->tasks.size());
  if (now >= before->threads || listener->watched == "edge") return {};
  return fmt::format("of {} threads {} left, and {} in the backlog", before->threads,
                     now == 1 ? "1 is" : fmt::format("{} are", now),
                     count_of(listener->unread, "connection"));
}

constexpr std::array<DiagnosisRule, 8> kRulesOfWaiting{
    {{"edge-trigger-read-once",
      "every thread sleeps; input lies unread on a connection that epoll watches edge-triggered",
      "an edge-triggered descriptor must be read until EAGAIN, since what is left makes no new "
      "edge",
      "epoll(7)", find_edge_read},
     {"edge-trigger-accept-once",
      "every thread sleeps; connections wait on a listener that epoll watches edge-triggered",
      "connections that come together make one edge: accept() must be called until EAGAIN",
      "epoll(7), accept(2)", find_edge_accept},
     {"accept-given-up",
      "the limit of descriptors was reached, then room was made; connections wait; nobody watches",
      "the listener was given up when accept() failed with EMFILE: it must be taken up again once "
      "a "
      "descriptor is free",
      "accept(2)", find_given_up},
     {"process-limit-gives-up",
      "the limit of processes was reached; connections wait; nobody watches",
      "the listener was given up when fork() failed or no thread could be had: close that one "
      "client, or let it wait, and accept the next",
      "fork(2), pthread_create(3)", find_given_up_without_process},
     {"blocked-by-silent-client",
      "the only thread sleeps in recv() on a connection; others wait in the backlog",
      "one silent client keeps all the others waiting: use a thread a client, or poll(2)",
      "recv(2), poll(2)", find_blocked_reading},
     {"blocked-by-slow-reader", "the only thread sleeps in send() on a connection",
      "one client that does not read keeps all the others waiting: send without blocking, and keep "
      "the rest for when there is room",
      "send(2), poll(2)", find_blocked_writing},
     {"blocked-in-log", "a thread sleeps in write() to stdout or stderr",
      "a pipe that nobody reads fills up, and a blocking write() to it holds the clients up",
      "pipe(7)", find_blocked_in_log},
     {"workers-lost",
      "clients have reset; fewer threads than before; connections wait in the backlog",
      "a worker ends with the client that fails it, and is not replaced: an error must end the "
      "connection, not the thread",
      "recv(2), accept(2)", find_lost_workers}}};

}  // namespace

std::span<const DiagnosisRule> rules_of_waiting() { return kRulesOfWaiting; }

}  // namespace sockdrill
