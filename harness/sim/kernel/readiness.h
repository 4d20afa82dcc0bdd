#pragma once

// select(2), poll(2), epoll(7).

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <optional>
#include <span>

#include "harness/sim/kernel/file.h"

namespace sockdrill::sim {

/// One of nothing (nullopt) waits for ever, one of 0 does not wait.
using Timeout = std::optional<Nanoseconds>;

// How many are ready; 0 when the time is over.

Outcome<int> poll(Process& process, std::span<pollfd> fds, Timeout timeout, Call& call);
/// What is asked, and in the end what is ready; nullptr asks for nothing.
struct SelectSets {
  fd_set* readable = nullptr;
  fd_set* writable = nullptr;
  fd_set* exceptional = nullptr;
};
/// fds above FD_SETSIZE are as far as the caller's memory goes: the sets are arrays of bits, as in
/// Linux. While it must wait the sets are untouched; when it ends they hold the result. EBADF for a
/// number that is not open.
Outcome<int> select(Process& process, int count, const SelectSets& sets, Timeout timeout,
                    Call& call);

/// epoll_create1(2).
Outcome<int> create_epoll(Process& process, int flags);
/// epoll_ctl(2). EBADF, EEXIST, ENOENT, EINVAL, EPERM, ELOOP.
Outcome<void> control_epoll(Process& process, int epoll, int operation, int fd,
                            const epoll_event* event);
/// epoll_wait(2) and its kin; `file` is what the descriptor referred to when the call began.
Outcome<int> wait_epoll(Process& process, File& file, std::span<epoll_event> events,
                        Timeout timeout, Call& call);

}  // namespace sockdrill::sim
