// socket(2) and all that follows from it.

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>

#include "harness/sim/kernel/sockets.h"
#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

/// Runs `use(socket)` as one call; EBADF, ENOTSOCK.
template <typename Use>
auto with_socket(const char* name, int fd, Use use, std::size_t octets = SIZE_MAX)
    -> decltype(use(std::declval<Socket&>(), std::declval<Call&>())) {
  return carry_out_on(
      name, fd,
      [&](File& file, Call& call) -> decltype(use(std::declval<Socket&>(), call)) {
        Socket* socket = file.as_socket();
        if (socket == nullptr) return refuse(ENOTSOCK);
        return use(*socket, call);
      },
      octets);
}

/// A real socket in the simulated process, for what only the real kernel knows.
class MachineSocket final : public OutsideFile {
 public:
  using OutsideFile::OutsideFile;
  ~MachineSocket() override { call_kernel(SYS_close, real()); }
  std::uint32_t poll() override {
    pollfd asked{.fd = real(), .events = POLLIN | POLLOUT, .revents = 0};
    call_kernel(SYS_poll, as_long(&asked), 1, 0);
    return static_cast<std::uint32_t>(static_cast<unsigned short>(asked.revents));
  }
};

int open_machine_socket(int type, int protocol) {
  Process& process = current_task->process;
  return give(carry_out_open("socket", [&](Call&) -> Outcome<int> {
    const long made = call_kernel(SYS_socket, AF_NETLINK, type | SOCK_CLOEXEC, protocol);
    if (made < 0) return refuse(static_cast<int>(-made));
    return process.descriptors.add(make_ref<MachineSocket>(process.kernel, static_cast<int>(made)),
                                   (type & SOCK_CLOEXEC) != 0);
  }));
}

/// strike() on a descriptor; what is no socket is not counted.
Strike strike_socket(CallKind kind, int fd, Buffers buffers, int flags) {
  File* const file = current_task->process.descriptors.find(fd);
  if (file == nullptr || file->kind() != FileKind::socket) return {};
  return strike(kind, file, size_of(buffers), flags);
}

ssize_t send_message(const char* name, int fd, msghdr message, int flags) {
  const Buffers all = buffers_of(message);
  check_readable(all);
  const Strike hit = strike_socket(CallKind::send, fd, all, flags);
  if (hit.error != 0) return fail_with(hit.error);
  const ShorterBuffers shorter(all, hit.at_most);
  shorter.put_into(message);
  Process& process = current_task->process;
  return static_cast<ssize_t>(give(with_socket(
      name, fd,
      [&](Socket& socket, Call& call) { return socket.send(process, message, flags, call); },
      size_of(all))));
}

ssize_t receive_message(const char* name, int fd, msghdr& message, int flags) {
  const Buffers all = buffers_of(message);
  check_writable(all);
  const Strike hit = strike_socket(CallKind::receive, fd, all, flags);
  if (hit.error != 0) return fail_with(hit.error);
  const ShorterBuffers shorter(all, hit.at_most);
  shorter.put_into(message);
  Process& process = current_task->process;
  const ssize_t result = static_cast<ssize_t>(give(with_socket(
      name, fd,
      [&](Socket& socket, Call& call) { return socket.receive(process, message, flags, call); },
      size_of(all))));
  message.msg_iov = const_cast<iovec*>(all.data());
  message.msg_iovlen = all.size();
  return result;
}

/// getsockname(2), getpeername(2): the answer of `ask(socket)`.
template <typename Ask>
int tell_name(const char* call, int fd, sockaddr* address, socklen_t* length, Ask ask) {
  const Outcome<SocketName> name =
      with_socket(call, fd, [&](Socket& socket, Call&) { return ask(socket); });
  if (!name) return fail_with(name.error().error.value);
  give_name(*name, address, length);
  return 0;
}

}  // namespace
}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL int socket(int family, int type, int protocol) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_socket, family, type, protocol));
  // Netlink asks about addresses and routes, of which the simulated machine has as many as the real
  // one where the server runs.
  if (family == AF_NETLINK) return open_machine_socket(type, protocol);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return fail_with(EAFNOSUPPORT);
  Process& process = current_task->process;
  return give(carry_out_open(
      "socket", [&](Call&) { return create_socket(process, family, type, protocol); }));
}

SIMULATED_CALL int socketpair(int family, int type, int protocol, int fds[2]) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_socketpair, family, type, protocol, fds));
  Process& process = current_task->process;
  return give(carry_out_open("socketpair", [&](Call&) {
    return create_socket_pair(process, family, type, protocol, fds);
  }));
}

SIMULATED_CALL int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  if (is_real(fd)) return static_cast<int>(real(SYS_bind, real_number(fd), address, length));
  return give(with_socket("bind", fd, [&](Socket& socket, Call&) {
    return socket.bind(current_task->process, address, length);
  }));
}

SIMULATED_CALL int listen(int fd, int backlog) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_listen, fd, backlog));
  return give(with_socket("listen", fd, [&](Socket& socket, Call&) {
    return socket.listen(current_task->process, backlog);
  }));
}

SIMULATED_CALL int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  if (!is_simulated()) return static_cast<int>(real(SYS_accept4, fd, address, length, flags));
  const Strike hit = strike_socket(CallKind::accept, fd, {}, 0);
  if (hit.error != 0) return fail_with(hit.error);
  return give(carry_out_on("accept", fd, [&](File& file, Call& call) {
    return accept(current_task->process, file, address, length, flags, call);
  }));
}

SIMULATED_CALL int accept(int fd, sockaddr* address, socklen_t* length) {
  return accept4(fd, address, length, 0);
}

SIMULATED_CALL int connect(int fd, const sockaddr* address, socklen_t length) {
  if (!is_simulated()) return static_cast<int>(real(SYS_connect, fd, address, length));
  return give(with_socket("connect", fd, [&](Socket& socket, Call& call) {
    return socket.connect(current_task->process, address, length, call);
  }));
}

SIMULATED_CALL int shutdown(int fd, int how) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_shutdown, fd, how));
  return give(
      with_socket("shutdown", fd, [&](Socket& socket, Call&) { return socket.shutdown(how); }));
}

SIMULATED_CALL int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  if (is_real(fd)) return static_cast<int>(real(SYS_getsockname, real_number(fd), address, length));
  return tell_name("getsockname", fd, address, length,
                   [](Socket& socket) { return socket.name(); });
}

SIMULATED_CALL int getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  if (!is_simulated()) return static_cast<int>(real(SYS_getpeername, fd, address, length));
  return tell_name("getpeername", fd, address, length,
                   [](Socket& socket) { return socket.peer_name(); });
}

SIMULATED_CALL int getsockopt(int fd, int level, int name, void* value,
                              socklen_t* length) noexcept {
  if (is_real(fd))
    return static_cast<int>(real(SYS_getsockopt, real_number(fd), level, name, value, length));
  return give(with_socket("getsockopt", fd, [&](Socket& socket, Call&) {
    return socket.get_option(level, name, value, length);
  }));
}

SIMULATED_CALL int setsockopt(int fd, int level, int name, const void* value,
                              socklen_t length) noexcept {
  if (is_real(fd))
    return static_cast<int>(real(SYS_setsockopt, real_number(fd), level, name, value, length));
  return give(with_socket("setsockopt", fd, [&](Socket& socket, Call&) {
    return socket.set_option(level, name, value, length);
  }));
}

SIMULATED_CALL int sockatmark(int fd) noexcept {
  int at_mark = 0;
  return ioctl(fd, SIOCATMARK, &at_mark) == 0 ? at_mark : -1;
}

SIMULATED_CALL ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (is_real(fd)) return real(SYS_sendmsg, real_number(fd), message, flags);
  return send_message("sendmsg", fd, *message, flags);
}

SIMULATED_CALL ssize_t recvmsg(int fd, msghdr* message, int flags) {
  if (is_real(fd)) return real(SYS_recvmsg, real_number(fd), message, flags);
  return receive_message("recvmsg", fd, *message, flags);
}

SIMULATED_CALL ssize_t sendto(int fd, const void* buffer, std::size_t size, int flags,
                              const sockaddr* address, socklen_t length) {
  if (is_real(fd)) return real(SYS_sendto, real_number(fd), buffer, size, flags, address, length);
  iovec one{.iov_base = const_cast<void*>(buffer), .iov_len = size};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(address);
  message.msg_namelen = address != nullptr ? length : 0;
  message.msg_iov = &one;
  message.msg_iovlen = 1;
  return send_message("sendto", fd, message, flags);
}

SIMULATED_CALL ssize_t send(int fd, const void* buffer, std::size_t size, int flags) {
  return sendto(fd, buffer, size, flags, nullptr, 0);
}

SIMULATED_CALL ssize_t recvfrom(int fd, void* buffer, std::size_t size, int flags,
                                sockaddr* address, socklen_t* length) {
  if (is_real(fd)) return real(SYS_recvfrom, real_number(fd), buffer, size, flags, address, length);
  iovec one{.iov_base = buffer, .iov_len = size};
  SocketName from;
  msghdr message{};
  message.msg_name = &from.storage;
  message.msg_namelen = sizeof from.storage;
  message.msg_iov = &one;
  message.msg_iovlen = 1;
  const ssize_t result = receive_message("recvfrom", fd, message, flags);
  if (result >= 0 && address != nullptr && length != nullptr) {
    from.length = message.msg_namelen;
    give_name(from, address, length);
  }
  return result;
}

SIMULATED_CALL ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
  return recvfrom(fd, buffer, size, flags, nullptr, nullptr);
}

SIMULATED_CALL ssize_t __recv_chk(int fd, void* buffer, std::size_t size, std::size_t room,
                                  int flags) {
  if (size > room) ::abort();
  return recv(fd, buffer, size, flags);
}

SIMULATED_CALL ssize_t __recvfrom_chk(int fd, void* buffer, std::size_t size, std::size_t room,
                                      int flags, sockaddr* address, socklen_t* length) {
  if (size > room) ::abort();
  return recvfrom(fd, buffer, size, flags, address, length);
}

SIMULATED_CALL int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (!is_simulated()) return static_cast<int>(real(SYS_sendmmsg, fd, messages, count, flags));
  unsigned done = 0;
  for (; done < std::min(count, 1024U); ++done) {
    const ssize_t size = sendmsg(fd, &messages[done].msg_hdr, flags);
    if (size < 0) break;
    messages[done].msg_len = static_cast<unsigned>(size);
  }
  return done > 0 || count == 0 ? static_cast<int>(done) : -1;
}

SIMULATED_CALL int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags,
                            timespec* timeout) {
  if (!is_simulated())
    return static_cast<int>(real(SYS_recvmmsg, fd, messages, count, flags, timeout));
  unsigned done = 0;
  const int all = flags & ~MSG_WAITFORONE;
  const Kernel& kernel = current_task->scheduler.kernel();
  const VirtualTime until = timeout != nullptr ? kernel.now() + nanoseconds_of(*timeout) : kNever;
  while (done < std::min(count, 1024U)) {
    const bool waits = done == 0 || (flags & MSG_WAITFORONE) == 0;
    const ssize_t size = recvmsg(fd, &messages[done].msg_hdr, waits ? all : all | MSG_DONTWAIT);
    if (size < 0) break;
    messages[done++].msg_len = static_cast<unsigned>(size);
    if (kernel.now() >= until) break;  // not looked at while it waits (recvmmsg(2), BUGS)
  }
  if (timeout != nullptr && done > 0)
    *timeout = timespec_of(std::max(until - kernel.now(), VirtualTime{}));
  return done > 0 || count == 0 ? static_cast<int>(done) : -1;
}
