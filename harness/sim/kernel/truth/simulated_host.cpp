#include <cerrno>

#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/pipes.h"
#include "harness/sim/kernel/readiness.h"
#include "harness/sim/kernel/sockets.h"
#include "harness/sim/kernel/truth/host.h"

namespace sockdrill::sim {

namespace {

template <typename T>
long answer(const Outcome<T>& outcome) {
  if (!outcome)
    return outcome.error().must_wait() ? kWouldSleep : -long{outcome.error().error.value};
  if constexpr (std::is_void_v<T>)
    return 0;
  else
    return static_cast<long>(*outcome);
}

class SimulatedHost final : public Host {
 public:
  SimulatedHost() : process_(kernel_.create_process(nullptr)) {
    for (int i = 0; i < 3; ++i)
      static_cast<void>(process_.descriptors.add(make_ref<OutsideFile>(kernel_, i), false));
    for (const int number : {SIGPIPE, SIGUSR1, SIGUSR2, SIGURG}) thread_.blocked |= bit_of(number);
    process_.signals.threads.push_back(&thread_);
    process_.signals.current = &thread_;
  }

  long socket(int family, int type, int protocol) override {
    return answer(create_socket(process_, family, type, protocol));
  }
  long socketpair(int family, int type, int* fds) override {
    return answer(create_socket_pair(process_, family, type, 0, fds));
  }
  long bind(int fd, const sockaddr* address, socklen_t length) override {
    return with_socket(fd, [&](Socket& s) { return answer(s.bind(process_, address, length)); });
  }
  long listen(int fd, int backlog) override {
    return with_socket(fd, [&](Socket& s) { return answer(s.listen(process_, backlog)); });
  }
  long accept4(int fd, sockaddr* address, socklen_t* length, int flags) override {
    return with_file(fd, [&](File& file) {
      Call call;
      return answer(accept(process_, file, address, length, flags, call));
    });
  }
  long connect(int fd, const sockaddr* address, socklen_t length) override {
    return with_socket(fd, [&](Socket& s) {
      Call call;
      return answer(s.connect(process_, address, length, call));
    });
  }
  long shutdown(int fd, int how) override {
    return with_socket(fd, [&](Socket& s) { return answer(s.shutdown(how)); });
  }
  long sendmsg(int fd, const msghdr* message, int flags) override {
    return with_socket(fd, [&](Socket& s) {
      Call call;
      return answer(s.send(process_, *message, flags, call));
    });
  }
  long recvmsg(int fd, msghdr* message, int flags) override {
    return with_socket(fd, [&](Socket& s) {
      Call call;
      return answer(s.receive(process_, *message, flags, call));
    });
  }
  long read(int fd, void* buffer, std::size_t size) override {
    return with_file(fd, [&](File& file) {
      Call call;
      const iovec part{.iov_base = buffer, .iov_len = size};
      return answer(file.read(process_, Buffers(&part, 1), call));
    });
  }
  long write(int fd, const void* buffer, std::size_t size) override {
    return with_file(fd, [&](File& file) {
      Call call;
      const iovec part{.iov_base = const_cast<void*>(buffer), .iov_len = size};
      return answer(file.write(process_, Buffers(&part, 1), call));
    });
  }
  long close(int fd) override {
    Call call;
    return answer(kernel_.close(process_, fd, call));
  }
  long dup2(int fd, int to) override {
    return answer(kernel_.duplicate_to(process_, fd, to, false));
  }
  long fcntl_flags(int fd, int flags) override {
    return with_file(fd, [&](File& file) {
      file.set_status_flags(flags);
      return 0L;
    });
  }
  long ioctl(int fd, unsigned long request, void* argument) override {
    return with_file(fd, [&](File& file) { return answer(file.ioctl(request, argument)); });
  }
  long getsockname(int fd, sockaddr* address, socklen_t* length) override {
    return with_socket(fd, [&](Socket& s) { return named(s.name(), address, length); });
  }
  long getpeername(int fd, sockaddr* address, socklen_t* length) override {
    return with_socket(fd, [&](Socket& s) { return named(s.peer_name(), address, length); });
  }
  long getsockopt(int fd, int level, int name, void* value, socklen_t* length) override {
    return with_socket(fd,
                       [&](Socket& s) { return answer(s.get_option(level, name, value, length)); });
  }
  long setsockopt(int fd, int level, int name, const void* value, socklen_t length) override {
    return with_socket(fd,
                       [&](Socket& s) { return answer(s.set_option(level, name, value, length)); });
  }
  long poll(pollfd* fds, nfds_t count) override {
    Call call;
    return answer(sim::poll(process_, std::span<pollfd>(fds, count), Nanoseconds{0}, call));
  }
  long select(int count, fd_set* in, fd_set* out, fd_set* exceptional) override {
    Call call;
    return answer(
        sim::select(process_, count, SelectSets{in, out, exceptional}, Nanoseconds{0}, call));
  }
  long epoll_create1(int flags) override { return answer(create_epoll(process_, flags)); }
  long epoll_ctl(int epoll, int operation, int fd, epoll_event* event) override {
    return answer(control_epoll(process_, epoll, operation, fd, event));
  }
  long epoll_wait(int epoll, epoll_event* events, int count) override {
    return with_file(epoll, [&](File& file) {
      Call call;
      return answer(wait_epoll(process_, file,
                               std::span<epoll_event>(events, static_cast<std::size_t>(count)),
                               Nanoseconds{0}, call));
    });
  }
  long pipe2(int* fds, int flags) override { return answer(create_pipe(process_, flags, fds)); }
  long eventfd(unsigned initial, int flags) override {
    return answer(create_event(process_, initial, flags));
  }
  long timerfd_create(int clock, int flags) override {
    return answer(create_timer(process_, clock, flags));
  }
  long timerfd_settime(int fd, int flags, const itimerspec* value) override {
    return answer(set_timer(process_, fd, flags, *value, nullptr));
  }
  long signalfd(int fd, int number, int flags) override {
    return answer(create_signal_file(process_, fd, bit_of(number), flags));
  }
  void raise(int number) override {
    static_cast<void>(kernel_.kill(process_, process_.pid, number));
  }
  int take_signal() override {
    std::optional<siginfo_t> info = thread_.pending.take(0);
    if (!info) info = process_.signals.pending.take(0);
    return info ? info->si_signo : 0;
  }
  void pass(std::chrono::milliseconds time) override { kernel_.advance_to(kernel_.now() + time); }
  void settle() override {}

 private:
  template <typename Use>
  long with_file(int fd, Use use) {
    Outcome<Ref<File>> file = process_.descriptors.file(fd);
    if (!file) return -EBADF;
    return use(**file);
  }
  template <typename Use>
  long with_socket(int fd, Use use) {
    return with_file(fd, [&](File& file) -> long {
      Socket* const socket = file.as_socket();
      return socket != nullptr ? use(*socket) : -ENOTSOCK;
    });
  }
  static long named(const Outcome<SocketName>& name, sockaddr* address, socklen_t* length) {
    if (!name) return -long{name.error().error.value};
    give_name(*name, address, length);
    return 0;
  }

  Kernel kernel_;
  ThreadSignals thread_;
  Process& process_;
};

}  // namespace

std::unique_ptr<Host> make_simulated_host() { return std::make_unique<SimulatedHost>(); }

}  // namespace sockdrill::sim
