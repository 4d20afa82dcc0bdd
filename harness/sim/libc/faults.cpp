// The kernel's fault plan, carried out on the calls of programs. Only what a real kernel may do: a
// fault that could not happen to this call leaves it as it is.

#include <array>
#include <csignal>

#include "harness/sim/kernel/tcp.h"
#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// Whether a signal may end the call: one that is handled, and whose handler does not have it
/// restarted. select(2) and its kin are never restarted, and epoll_wait(2) is ended by SIGSTOP and
/// SIGCONT, too (signal(7)).
bool can_be_interrupted(const Process& process, CallKind kind, const File* file) {
  if (file != nullptr && file->kind() == FileKind::epoll) return true;
  for (const struct sigaction& action : process.signals.actions) {
    const bool is_handled = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    if (is_handled && (kind == CallKind::wait || (action.sa_flags & SA_RESTART) == 0)) return true;
  }
  return false;
}

bool may_wait(const File& file, int message_flags) {
  return !file.is_non_blocking() && (message_flags & MSG_DONTWAIT) == 0;
}

bool ends_connections(int error) {
  return error == ECONNRESET || error == ETIMEDOUT || error == EHOSTUNREACH || error == EPIPE;
}

TcpEnd* connection_of(File& file) {
  auto* const socket = dynamic_cast<TcpSocket*>(&file);
  return socket != nullptr && socket->end().is_connected() ? &socket->end() : nullptr;
}

bool is_stream(File& file) {
  Socket* const socket = file.as_socket();
  return socket != nullptr && socket->type() == SOCK_STREAM;
}

/// What one call was denied is there for the next: an edge-triggered watcher must hear of it.
void tell_of_more(File& file) { file.queue().wake(EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM); }

Strike fail(const CallFault& fault, File* file, int message_flags) {
  const Process& process = current_task->process;
  if (fault.error == EINTR && !can_be_interrupted(process, fault.kind, file)) return {};
  if (file != nullptr) {
    // Only who would sleep is interrupted: a signal keeps nobody from what is done at once.
    if (fault.error == EINTR && fault.kind != CallKind::wait && !may_wait(*file, message_flags))
      return {};
    if (fault.error == EAGAIN && may_wait(*file, message_flags)) return {};
    if (ends_connections(fault.error)) {
      TcpEnd* const connection = connection_of(*file);
      if (connection == nullptr) return {};
      // SIGPIPE, octets that have come before, what select(2) says: all follows from it.
      connection->break_off(fault.error == EPIPE ? 0 : fault.error);
      return {.has_effect = true};
    }
    tell_of_more(*file);
  }
  return {.has_effect = true, .error = fault.error};
}

/// A call that fails before it has begun is nevertheless one that the server has made.
void tell_struck(CallKind kind, int error) {
  static constexpr std::array<const char*, kCallKinds> kNames{
      "accept, by a fault", "recv, by a fault", "send, by a fault",          "wait, by a fault",
      "open, by a fault",   "fork, by a fault", "pthread_create, by a fault"};
  const Task& task = *current_task;
  tell_call(task, CallSeen{.name = kNames[static_cast<std::size_t>(kind)]});
  tell_answer(task, -error);
}

Strike shorten(const CallFault& fault, File& file, std::size_t size, int message_flags) {
  if (!is_stream(file) || fault.octets >= size) return {};
  if (fault.kind == CallKind::receive && (message_flags & (MSG_WAITALL | MSG_OOB)) != 0) return {};
  // A send that waits sends all, unless a signal interrupts it.
  if (fault.kind == CallKind::send && may_wait(file, message_flags) &&
      !can_be_interrupted(current_task->process, fault.kind, &file))
    return {};
  tell_of_more(file);
  return {.has_effect = true, .at_most = fault.octets};
}

}  // namespace

Strike strike_armed(CallKind kind, File* file, std::size_t size, int message_flags) {
  FaultPlan& plan = current_task->scheduler.kernel().faults;
  const CallFault* const fault = plan.count(kind);
  if (fault == nullptr) return {};
  Strike strike;
  switch (fault->effect) {
    case CallFault::Effect::fails:
      strike = fail(*fault, file, message_flags);
      break;
    case CallFault::Effect::falls_short:
      if (file != nullptr) strike = shorten(*fault, *file, size, message_flags);
      break;
    case CallFault::Effect::spurious:
      strike = {.has_effect = true, .is_spurious = true};
      break;
  }
  if (!strike.has_effect) return strike;
  if (plan.on_strike) plan.on_strike(*fault);
  if (strike.error != 0) tell_struck(kind, strike.error);
  return strike;
}

}  // namespace sockdrill::sim
