// select(2), poll(2), epoll(7), with the signal masks of pselect(2) and its kin.

#include "harness/sim/kernel/readiness.h"

#include <sys/syscall.h>

#include <algorithm>

#include "harness/sim/kernel/epoll.h"
#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

Timeout timeout_of(const timespec* time) {
  return time == nullptr ? Timeout{} : Timeout{nanoseconds_of(*time)};
}

Timeout timeout_of_ms(int milliseconds) {
  return milliseconds < 0 ? Timeout{} : Timeout{std::chrono::milliseconds(milliseconds)};
}

/// What a fault may say of: a socket that has nothing to read.
File* unready_socket(int fd) {
  File* const file = fd < 0 ? nullptr : current_task->process.descriptors.find(fd);
  if (file == nullptr || file->kind() != FileKind::socket) return nullptr;
  return (file->poll() & EPOLLIN) == 0 ? file : nullptr;
}

int poll_for(pollfd* fds, nfds_t count, Timeout timeout) {
  Process& process = current_task->process;
  const std::span<pollfd> all{fds, static_cast<std::size_t>(count)};
  const Strike hit = strike(CallKind::wait);
  if (hit.error != 0) return fail_with(hit.error);
  const auto unready = std::ranges::find_if(all, [&](const pollfd& each) {
    return hit.is_spurious && (each.events & POLLIN) != 0 && unready_socket(each.fd) != nullptr;
  });
  if (unready != all.end()) timeout = Nanoseconds{0};
  const int ready =
      give(carry_out("poll", [&](Call& call) { return poll(process, all, timeout, call); }));
  if (ready < 0 || unready == all.end() || (unready->revents & POLLIN) != 0) return ready;
  const int more = unready->revents == 0 ? 1 : 0;
  unready->revents |= POLLIN;
  return ready + more;
}

int select_for(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
               Timeout timeout) {
  Process& process = current_task->process;
  const SelectSets sets{.readable = readable, .writable = writable, .exceptional = exceptional};
  const Strike hit = strike(CallKind::wait);
  if (hit.error != 0) return fail_with(hit.error);
  int unready = -1;
  for (int fd = 0; hit.is_spurious && readable != nullptr && fd < std::min(count, FD_SETSIZE); ++fd)
    if (unready < 0 && FD_ISSET(fd, readable) && unready_socket(fd) != nullptr) unready = fd;
  if (unready >= 0) timeout = Nanoseconds{0};
  const int ready = give(
      carry_out("select", [&](Call& call) { return select(process, count, sets, timeout, call); }));
  if (ready < 0 || unready < 0 || FD_ISSET(unready, readable)) return ready;
  FD_SET(unready, readable);
  return ready + 1;
}

int wait_for_epoll(int fd, epoll_event* events, int count, Timeout timeout) {
  File* const file = current_task->process.descriptors.find(fd);
  const bool is_epoll = file != nullptr && file->kind() == FileKind::epoll;
  const Strike hit = is_epoll ? strike(CallKind::wait, file) : Strike{};
  if (hit.error != 0) return fail_with(hit.error);
  const EpollItem* const unready =
      hit.is_spurious ? static_cast<EpollFile*>(file)->find_unready() : nullptr;
  if (unready != nullptr) timeout = Nanoseconds{0};
  const int ready =
      give(carry_out_on("epoll_wait", fd, [&](File& epoll, Call& call) -> Outcome<int> {
        if (count <= 0) return refuse(EINVAL);
        return wait_epoll(current_task->process, epoll, {events, static_cast<std::size_t>(count)},
                          timeout, call);
      }));
  if (ready < 0 || ready == count || unready == nullptr) return ready;
  events[ready] = {.events = EPOLLIN, .data = unready->event().data};
  return ready + 1;
}

}  // namespace
}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on
using sockdrill::Nanoseconds;

SIMULATED_CALL int poll(pollfd* fds, nfds_t count, int timeout) {
  if (!is_simulated()) return static_cast<int>(real(SYS_poll, fds, count, timeout));
  return poll_for(fds, count, timeout_of_ms(timeout));
}

SIMULATED_CALL int __poll_chk(pollfd* fds, nfds_t count, int timeout, std::size_t room) {
  if (room / sizeof *fds < count) ::abort();
  return poll(fds, count, timeout);
}

SIMULATED_CALL int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  if (!is_simulated()) return REAL_FUNCTION(ppoll)(fds, count, timeout, mask);
  if (timeout != nullptr && !is_valid(*timeout)) return fail_with(EINVAL);
  const MaskDuring during(mask);
  return poll_for(fds, count, timeout_of(timeout));
}

SIMULATED_CALL int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout,
                               const sigset_t* mask, std::size_t room) {
  if (room / sizeof *fds < count) ::abort();
  return ppoll(fds, count, timeout, mask);
}

SIMULATED_CALL int select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                          timeval* timeout) {
  if (!is_simulated())
    return static_cast<int>(real(SYS_select, count, readable, writable, exceptional, timeout));
  if (timeout == nullptr) return select_for(count, readable, writable, exceptional, {});
  if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return fail_with(EINVAL);
  const Kernel& kernel = current_task->scheduler.kernel();
  const Nanoseconds wanted = nanoseconds_of(*timeout);
  const VirtualTime began = kernel.now();
  const int result = select_for(count, readable, writable, exceptional, wanted);
  // Linux says what is left (select(2), NOTES).
  *timeout = timeval_of(std::max(wanted - (kernel.now() - began), Nanoseconds{0}));
  return result;
}

SIMULATED_CALL int pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional,
                           const timespec* timeout, const sigset_t* mask) {
  if (!is_simulated())
    return REAL_FUNCTION(pselect)(count, readable, writable, exceptional, timeout, mask);
  if (timeout != nullptr && !is_valid(*timeout)) return fail_with(EINVAL);
  const MaskDuring during(mask);
  return select_for(count, readable, writable, exceptional, timeout_of(timeout));
}

SIMULATED_CALL int epoll_create1(int flags) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_epoll_create1, flags));
  Process& process = current_task->process;
  return give(carry_out_open("epoll_create", [&](Call&) { return create_epoll(process, flags); }));
}

SIMULATED_CALL int epoll_create(int size) noexcept {
  if (size <= 0) return fail_with(EINVAL);
  return epoll_create1(0);
}

SIMULATED_CALL int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_epoll_ctl, epoll, operation, fd, event));
  Process& process = current_task->process;
  return give(carry_out(
      "epoll_ctl", [&](Call&) { return control_epoll(process, epoll, operation, fd, event); }));
}

SIMULATED_CALL int epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
  if (!is_simulated()) return static_cast<int>(real(SYS_epoll_wait, epoll, events, count, timeout));
  return wait_for_epoll(epoll, events, count, timeout_of_ms(timeout));
}

SIMULATED_CALL int epoll_pwait(int epoll, epoll_event* events, int count, int timeout,
                               const sigset_t* mask) {
  if (!is_simulated()) return REAL_FUNCTION(epoll_pwait)(epoll, events, count, timeout, mask);
  const MaskDuring during(mask);
  return wait_for_epoll(epoll, events, count, timeout_of_ms(timeout));
}

SIMULATED_CALL int epoll_pwait2(int epoll, epoll_event* events, int count, const timespec* timeout,
                                const sigset_t* mask) {
  if (!is_simulated()) return REAL_FUNCTION(epoll_pwait2)(epoll, events, count, timeout, mask);
  if (timeout != nullptr && !is_valid(*timeout)) return fail_with(EINVAL);
  const MaskDuring during(mask);
  return wait_for_epoll(epoll, events, count, timeout_of(timeout));
}
