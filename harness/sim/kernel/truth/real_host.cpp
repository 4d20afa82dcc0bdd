#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <vector>

#include "harness/sim/kernel/truth/host.h"

namespace sockdrill::sim {

namespace {

long result(long value) { return value < 0 ? -errno : value; }

class RealHost final : public Host {
 public:
  RealHost() {
    sigset_t all;
    sigemptyset(&all);
    for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2, SIGURG}) sigaddset(&all, number);
    sigprocmask(SIG_BLOCK, &all, &before_);
  }
  ~RealHost() override {
    for (const int fd : opened_) ::close(fd);
    while (take_signal() != 0) continue;
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }

  long socket(int family, int type, int protocol) override {
    return opened(::socket(family, type, protocol));
  }
  long socketpair(int family, int type, int* fds) override {
    return opened_two(::socketpair(family, type, 0, fds), fds);
  }
  long bind(int fd, const sockaddr* address, socklen_t length) override {
    return result(::bind(fd, address, length));
  }
  long listen(int fd, int backlog) override { return result(::listen(fd, backlog)); }
  long accept4(int fd, sockaddr* address, socklen_t* length, int flags) override {
    return opened(::accept4(fd, address, length, flags));
  }
  long connect(int fd, const sockaddr* address, socklen_t length) override {
    return result(::connect(fd, address, length));
  }
  long shutdown(int fd, int how) override { return result(::shutdown(fd, how)); }
  long sendmsg(int fd, const msghdr* message, int flags) override {
    return result(::sendmsg(fd, message, flags));
  }
  long recvmsg(int fd, msghdr* message, int flags) override {
    return result(::recvmsg(fd, message, flags));
  }
  long read(int fd, void* buffer, std::size_t size) override {
    return result(::read(fd, buffer, size));
  }
  long write(int fd, const void* buffer, std::size_t size) override {
    return result(::write(fd, buffer, size));
  }
  long close(int fd) override {
    std::erase(opened_, fd);
    return result(::close(fd));
  }
  long dup2(int fd, int to) override { return opened(::dup2(fd, to)); }
  long fcntl_flags(int fd, int flags) override { return result(::fcntl(fd, F_SETFL, flags)); }
  long ioctl(int fd, unsigned long request, void* argument) override {
    return result(::ioctl(fd, request, argument));
  }
  long getsockname(int fd, sockaddr* address, socklen_t* length) override {
    return result(::getsockname(fd, address, length));
  }
  long getpeername(int fd, sockaddr* address, socklen_t* length) override {
    return result(::getpeername(fd, address, length));
  }
  long getsockopt(int fd, int level, int name, void* value, socklen_t* length) override {
    return result(::getsockopt(fd, level, name, value, length));
  }
  long setsockopt(int fd, int level, int name, const void* value, socklen_t length) override {
    return result(::setsockopt(fd, level, name, value, length));
  }
  long poll(pollfd* fds, nfds_t count) override { return result(::poll(fds, count, 0)); }
  long select(int count, fd_set* in, fd_set* out, fd_set* exceptional) override {
    timeval none{};
    return result(::select(count, in, out, exceptional, &none));
  }
  long epoll_create1(int flags) override { return opened(::epoll_create1(flags)); }
  long epoll_ctl(int epoll, int operation, int fd, epoll_event* event) override {
    return result(::epoll_ctl(epoll, operation, fd, event));
  }
  long epoll_wait(int epoll, epoll_event* events, int count) override {
    return result(::epoll_wait(epoll, events, count, 0));
  }
  long pipe2(int* fds, int flags) override { return opened_two(::pipe2(fds, flags), fds); }
  long eventfd(unsigned initial, int flags) override { return opened(::eventfd(initial, flags)); }
  long timerfd_create(int clock, int flags) override {
    return opened(::timerfd_create(clock, flags));
  }
  long timerfd_settime(int fd, int flags, const itimerspec* value) override {
    return result(::timerfd_settime(fd, flags, value, nullptr));
  }
  long signalfd(int fd, int number, int flags) override {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return opened(::signalfd(fd, &set, flags));
  }
  void raise(int number) override { ::kill(::getpid(), number); }
  int take_signal() override {
    sigset_t pending;
    sigpending(&pending);
    for (const int number : {SIGUSR1, SIGUSR2, SIGPIPE, SIGURG}) {
      if (sigismember(&pending, number) != 1) continue;
      sigset_t one;
      sigemptyset(&one);
      sigaddset(&one, number);
      int taken = 0;
      sigwait(&one, &taken);
      return taken;
    }
    return 0;
  }
  void pass(std::chrono::milliseconds time) override {
    const timespec span{.tv_sec = 0, .tv_nsec = static_cast<long>(time.count()) * 1000000};
    ::nanosleep(&span, nullptr);
  }
  // What another thread of the kernel still has to deliver is seldom late; a script that differs is
  // played again, so this decides nothing.
  void settle() override { pass(std::chrono::milliseconds(1)); }

 private:
  long opened(long fd) {
    if (fd < 0) return -errno;
    opened_.push_back(static_cast<int>(fd));
    return fd;
  }
  long opened_two(long answer, const int* fds) {
    if (answer < 0) return -errno;
    opened_.insert(opened_.end(), fds, fds + 2);
    return answer;
  }

  sigset_t before_{};
  std::vector<int> opened_;
};

}  // namespace

std::unique_ptr<Host> make_real_host() { return std::make_unique<RealHost>(); }

}  // namespace sockdrill::sim
