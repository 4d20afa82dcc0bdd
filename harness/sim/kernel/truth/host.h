#pragma once

// The same calls on the real kernel and on the simulated one, for scripts that compare them.

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <chrono>
#include <memory>

namespace sockdrill::sim {

/// What the simulated kernel answers where the real one would go to sleep. No script may get there
/// on purpose.
inline constexpr long kWouldSleep = -9999;

/// Every call returns what the system call returns, or minus its errno.
class Host {
 public:
  virtual ~Host() = default;
  virtual long socket(int family, int type, int protocol) = 0;
  virtual long socketpair(int family, int type, int* fds) = 0;
  virtual long bind(int fd, const sockaddr* address, socklen_t length) = 0;
  virtual long listen(int fd, int backlog) = 0;
  virtual long accept4(int fd, sockaddr* address, socklen_t* length, int flags) = 0;
  virtual long connect(int fd, const sockaddr* address, socklen_t length) = 0;
  virtual long shutdown(int fd, int how) = 0;
  virtual long sendmsg(int fd, const msghdr* message, int flags) = 0;
  virtual long recvmsg(int fd, msghdr* message, int flags) = 0;
  virtual long read(int fd, void* buffer, std::size_t size) = 0;
  virtual long write(int fd, const void* buffer, std::size_t size) = 0;
  virtual long close(int fd) = 0;
  virtual long dup2(int fd, int to) = 0;
  virtual long fcntl_flags(int fd, int flags) = 0;  ///< F_SETFL
  virtual long ioctl(int fd, unsigned long request, void* argument) = 0;
  virtual long getsockname(int fd, sockaddr* address, socklen_t* length) = 0;
  virtual long getpeername(int fd, sockaddr* address, socklen_t* length) = 0;
  virtual long getsockopt(int fd, int level, int name, void* value, socklen_t* length) = 0;
  virtual long setsockopt(int fd, int level, int name, const void* value, socklen_t length) = 0;
  virtual long poll(pollfd* fds, nfds_t count) = 0;  ///< timeout 0
  virtual long select(int count, fd_set* in, fd_set* out, fd_set* exceptional) = 0;
  virtual long epoll_create1(int flags) = 0;
  virtual long epoll_ctl(int epoll, int operation, int fd, epoll_event* event) = 0;
  virtual long epoll_wait(int epoll, epoll_event* events, int count) = 0;  ///< timeout 0
  virtual long pipe2(int* fds, int flags) = 0;
  virtual long eventfd(unsigned initial, int flags) = 0;
  virtual long timerfd_create(int clock, int flags) = 0;
  virtual long timerfd_settime(int fd, int flags, const itimerspec* value) = 0;
  virtual long signalfd(int fd, int number,
                        int flags) = 0;  ///< of the one signal, which is blocked
  virtual void raise(int number) = 0;
  /// The lowest signal that is pending, which is taken; 0.
  virtual int take_signal() = 0;
  /// Lets time pass.
  virtual void pass(std::chrono::milliseconds time) = 0;
  /// Until what was sent has arrived, as far as one can know.
  virtual void settle() = 0;
};

std::unique_ptr<Host> make_real_host();
std::unique_ptr<Host> make_simulated_host();

}  // namespace sockdrill::sim
