#include "harness/sim/kernel/sockets.h"

#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/tcp.h"
#include "harness/sim/kernel/udp.h"
#include "harness/sim/kernel/unix_socket.h"

namespace sockdrill::sim {

void give_name(const SocketName& name, sockaddr* address, socklen_t* length) {
  if (length == nullptr) return;
  if (address != nullptr) std::memcpy(address, &name.storage, std::min(*length, name.length));
  *length = name.length;
}

ControlWriter::ControlWriter(msghdr& message)
    : message_(message), room_(message.msg_control != nullptr ? message.msg_controllen : 0) {
  message_.msg_controllen = 0;
}

bool ControlWriter::has_room(std::size_t size) {
  if (room_ - message_.msg_controllen >= CMSG_LEN(size)) return true;
  message_.msg_flags |= MSG_CTRUNC;
  return false;
}

void ControlWriter::put(int level, int type, const void* data, std::size_t size) {
  if (!has_room(size)) return;
  void* const place = static_cast<char*>(message_.msg_control) + message_.msg_controllen;
  auto* const header = static_cast<cmsghdr*>(place);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(header), data, size);
  message_.msg_controllen = std::min(room_, message_.msg_controllen + CMSG_SPACE(size));
}

Socket::Socket(Kernel& kernel, int family, int type, int protocol, int status_flags)
    : File(kernel, FileKind::socket, O_RDWR | (status_flags & O_NONBLOCK)),
      family_(family),
      type_(type),
      protocol_(protocol) {}

Outcome<void> Socket::listen(Process&, int) { return refuse(EOPNOTSUPP); }
Outcome<Ref<Socket>> Socket::accept_one(Process&, int, Call&) { return refuse(EOPNOTSUPP); }

Outcome<std::size_t> Socket::read(Process& process, Buffers buffers, Call& call) {
  if (size_of(buffers) == 0) return 0;  // read(2) with no room does not even look
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = buffers.size();
  return receive(process, message, 0, call);
}

Outcome<std::size_t> Socket::write(Process& process, Buffers buffers, Call& call) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = buffers.size();
  return send(process, message, type() == SOCK_SEQPACKET ? MSG_EOR : 0, call);
}

void Socket::begin(Call& call, Nanoseconds timeout) const {
  call.begin(kernel().now(), timeout > Nanoseconds{0} ? std::optional(timeout) : std::nullopt);
}

Stop Socket::wait_or_again(Call& call, Nanoseconds timeout, int flags, int error_if_not) {
  begin(call, timeout);
  if (is_non_blocking() || (flags & MSG_DONTWAIT) != 0 || kernel().now() >= call.until)
    return Stop{.error = Errno{error_if_not}, .more_queues = {}};
  // signal(7): a call with a timeout of its socket's is not restarted.
  return Stop{.error = {},
              .queue = &queue(),
              .more_queues = {},
              .until = call.until,
              .is_restartable = call.until == kNever,
              .outlasts_stop = call.until == kNever};
}

Outcome<std::size_t> Socket::wait_or_part(Call& call, Nanoseconds timeout, int flags) {
  Stop stop = wait_or_again(call, timeout, flags);
  if (!stop.must_wait() && call.done > 0) return call.done;
  return tl::unexpected<Stop>(std::move(stop));
}

std::size_t Socket::receive_target(std::size_t total, int flags) const {
  if ((flags & MSG_WAITALL) == 0) total = std::min(total, options.receive_low_water);
  return std::max<std::size_t>(1, total);
}

namespace {

/// The sockets that socket(2) knows. EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT.
Outcome<Ref<Socket>> make_socket(Kernel& kernel, int family, int type, int protocol, int flags) {
  if (family == AF_UNIX) {
    if (protocol != 0 && protocol != AF_UNIX) return refuse(EPROTONOSUPPORT);
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
      return refuse(ESOCKTNOSUPPORT);
    return Ref<Socket>(make_ref<UnixSocket>(kernel, type, flags));
  }
  if (family != AF_INET && family != AF_INET6) return refuse(EAFNOSUPPORT);
  if (type == SOCK_STREAM) {
    if (protocol != 0 && protocol != IPPROTO_TCP) return refuse(EPROTONOSUPPORT);
    return Ref<Socket>(make_ref<TcpSocket>(kernel, family, flags));
  }
  if (type == SOCK_DGRAM) {
    if (protocol != 0 && protocol != IPPROTO_UDP) return refuse(EPROTONOSUPPORT);
    return Ref<Socket>(make_ref<UdpSocket>(kernel, family, flags));
  }
  return refuse(type == SOCK_RAW ? EPERM : ESOCKTNOSUPPORT);
}

constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

}  // namespace

Outcome<int> create_socket(Process& process, int family, int type, int protocol) {
  const int flags = type & kTypeFlags;
  const Ref<Socket> made = TRY(make_socket(process.kernel, family, type & ~kTypeFlags, protocol,
                                           (flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0));
  return process.descriptors.add(made, (flags & SOCK_CLOEXEC) != 0);
}

Outcome<void> create_socket_pair(Process& process, int family, int type, int protocol, int* fds) {
  const int flags = type & kTypeFlags;
  const int status = (flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
  type &= ~kTypeFlags;
  const Ref<Socket> first = TRY(make_socket(process.kernel, family, type, protocol, status));
  if (family != AF_UNIX) return refuse(EOPNOTSUPP);
  const Ref<Socket> second = TRY(make_socket(process.kernel, family, type, protocol, status));
  UnixSocket::pair(static_cast<UnixSocket&>(*first), static_cast<UnixSocket&>(*second), process);
  return process.descriptors.add_two(first, second, (flags & SOCK_CLOEXEC) != 0, fds);
}

Outcome<int> accept(Process& process, File& file, sockaddr* address, socklen_t* length, int flags,
                    Call& call) {
  if ((flags & ~kTypeFlags) != 0) return refuse(EINVAL);
  Socket* const socket = file.as_socket();
  if (socket == nullptr) return refuse(ENOTSOCK);
  // The number comes first (net/socket.c, __sys_accept4): so EMFILE leaves the connection where it
  // is.
  TRY_VOID(process.descriptors.has_room());
  const Ref<Socket> made =
      TRY(socket->accept_one(process, (flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0, call));
  if (address != nullptr) give_name(made->accepted_name(), address, length);
  return process.descriptors.add(made, (flags & SOCK_CLOEXEC) != 0);
}

}  // namespace sockdrill::sim
