#include "harness/watch/waiting_calls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

namespace sockdrill {
namespace {

constexpr WaitingCall kCalls[] = {
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", Timeout::milliseconds, 3},
    {SYS_poll, "poll", Timeout::milliseconds, 2, Role::polls},
    {SYS_select, "select", Timeout::timeval_pointer, 4, Role::selects},
    {SYS_pause, "pause"},
    {SYS_fork, "fork", Timeout::none, 0, Role::creates},
    {SYS_vfork, "vfork", Timeout::none, 0, Role::creates},
#endif
    {SYS_epoll_pwait, "epoll_pwait", Timeout::milliseconds, 3},
    {SYS_epoll_pwait2, "epoll_pwait2", Timeout::timespec_pointer, 3},
    {SYS_ppoll, "ppoll", Timeout::timespec_pointer, 2, Role::polls},
    {SYS_pselect6, "pselect6", Timeout::timespec_pointer, 4, Role::selects},
    {SYS_nanosleep, "nanosleep", Timeout::timespec_pointer, 0, Role::sleeps},
    {SYS_clock_nanosleep, "clock_nanosleep", Timeout::clock, 2, Role::sleeps},
    {SYS_futex, "futex", Timeout::futex, 3},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", Timeout::timespec_pointer, 2},
    {SYS_rt_sigsuspend, "rt_sigsuspend"},
    {SYS_semtimedop, "semtimedop", Timeout::timespec_pointer, 3},
    {SYS_mq_timedreceive, "mq_timedreceive", Timeout::absolute_realtime, 4},
    {SYS_mq_timedsend, "mq_timedsend", Timeout::absolute_realtime, 4},
    {SYS_io_getevents, "io_getevents", Timeout::timespec_pointer, 4},
    {SYS_io_pgetevents, "io_pgetevents", Timeout::timespec_pointer, 4},
    {SYS_io_uring_enter, "io_uring_enter", Timeout::unknown},
    {SYS_restart_syscall, "restart_syscall", Timeout::unknown, 0, Role::sleeps},
    {SYS_recvmmsg, "recvmmsg", Timeout::timespec_pointer, 4, Role::on_descriptor},
    {SYS_read, "read", Timeout::option, 0, Role::on_descriptor},
    {SYS_readv, "readv", Timeout::option, 0, Role::on_descriptor},
    {SYS_recvfrom, "recvfrom", Timeout::option, 0, Role::on_descriptor},
    {SYS_recvmsg, "recvmsg", Timeout::option, 0, Role::on_descriptor},
    {SYS_accept, "accept", Timeout::option, 0, Role::on_descriptor},
    {SYS_accept4, "accept4", Timeout::option, 0, Role::on_descriptor},
    {SYS_connect, "connect", Timeout::option, 0, Role::on_descriptor},
    {SYS_write, "write", Timeout::option, 0, Role::output},
    {SYS_writev, "writev", Timeout::option, 0, Role::output},
    {SYS_sendto, "sendto", Timeout::option, 0, Role::output},
    {SYS_sendmsg, "sendmsg", Timeout::option, 0, Role::output},
    {SYS_sendmmsg, "sendmmsg", Timeout::option, 0, Role::output},
    {SYS_sendfile, "sendfile", Timeout::option, 0, Role::output},
    {SYS_splice, "splice", Timeout::unknown, 0, Role::on_descriptor},
    {SYS_flock, "flock", Timeout::none, 0, Role::on_descriptor},
    {SYS_fcntl, "fcntl", Timeout::none, 0, Role::on_descriptor},
    {SYS_close, "close", Timeout::none, 0, Role::closes},
#ifdef SYS_futex_waitv
    {SYS_futex_waitv, "futex_waitv", Timeout::unknown},
#endif
    {SYS_clone, "clone", Timeout::none, 0, Role::creates},
    {SYS_clone3, "clone3", Timeout::none, 0, Role::creates},
    {SYS_wait4, "wait4"},
    {SYS_waitid, "waitid"},
    {SYS_semop, "semop"},
    {SYS_msgrcv, "msgrcv"},
    {SYS_msgsnd, "msgsnd"},
    {SYS_exit, "exit"},
    {SYS_exit_group, "exit_group"},
};

}  // namespace

const WaitingCall* find_waiting_call(long number) {
  const auto* found = std::find_if(std::begin(kCalls), std::end(kCalls),
                                   [&](const WaitingCall& call) { return call.number == number; });
  return found == std::end(kCalls) ? nullptr : found;
}

}  // namespace sockdrill
