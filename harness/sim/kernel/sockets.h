#pragma once

// The calls on sockets, as far as they are common to all families.
//
// A socket is a File; each family implements what stands here. Addresses, messages and options have
// the types of the real calls, so that the layer above is thin.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "harness/base/address.h"
#include "harness/sim/kernel/file.h"

namespace sockdrill::sim {

// What a queue tells of octets that came, and of room (sock_def_readable(),
// sock_def_write_space()).
inline constexpr std::uint32_t kDataEvents = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
inline constexpr std::uint32_t kSpaceEvents = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

inline Buffers buffers_of(const msghdr& message) {
  return Buffers(message.msg_iov, message.msg_iovlen);
}

/// What listen(2) makes of a backlog: net.core.somaxconn at most. A negative one is a very large
/// one: it is compared as unsigned (net/socket.c).
constexpr std::size_t cut_backlog(int backlog) {
  return std::min(static_cast<unsigned>(backlog), 4096U);
}

/// What getsockopt(2) gives: cut to *length, which becomes the length given.
template <typename T>
void give_option(const T& answer, void* value, socklen_t* length) {
  *length = std::min<socklen_t>(*length, sizeof(answer));
  std::memcpy(value, &answer, *length);
}

/// Writes the control data (cmsg(3)) that a recvmsg(2) gives, as far as the message has room.
class ControlWriter final {
 public:
  explicit ControlWriter(msghdr& message);
  /// For one of `size` octets more. MSG_CTRUNC when not.
  [[nodiscard]] bool has_room(std::size_t size);
  /// Nothing where there is no room.
  void put(int level, int type, const void* data, std::size_t size);

 private:
  msghdr& message_;
  std::size_t room_;
};

/// What a getsockname(2) and its kin fill in.
using SocketName = SocketAddress;
/// As accept(2), getsockname(2) and recvfrom(2) do: cut to *length, which becomes the whole length.
void give_name(const SocketName& name, sockaddr* address, socklen_t* length);

/// SOL_SOCKET's settings. Those that only have to be given back are here, too.
struct SocketOptions {
  bool reuse_address = false;
  bool reuse_port = false;
  bool keep_alive = false;
  bool broadcast = false;
  bool urgent_inline = false;
  bool linger = false;
  int linger_seconds = 0;
  Nanoseconds receive_timeout{0};  ///< 0: none
  Nanoseconds send_timeout{0};
  std::size_t receive_buffer = 0;  ///< as getsockopt(2) gives it: twice what was set
  std::size_t send_buffer = 0;
  std::size_t receive_low_water = 1;
  bool is_send_buffer_set = false;
  bool pass_credentials = false;
};

class Socket : public File {
 public:
  Socket(Kernel& kernel, int family, int type, int protocol, int status_flags);

  [[nodiscard]] int family() const { return family_; }
  [[nodiscard]] int type() const { return type_; }
  [[nodiscard]] int protocol() const { return protocol_; }
  Socket* as_socket() override { return this; }
  SocketOptions options;

  virtual Outcome<void> bind(Process& process, const sockaddr* address, socklen_t length) = 0;
  virtual Outcome<void> listen(Process& process, int backlog);
  /// A connection as a socket of its own, of O_RDWR | status_flags; the caller gives it a number
  /// (accept() below does all of accept4(2)).
  virtual Outcome<Ref<Socket>> accept_one(Process& process, int status_flags, Call& call);
  virtual Outcome<void> connect(Process& process, const sockaddr* address, socklen_t length,
                                Call& call) = 0;
  virtual Outcome<void> shutdown(int how) = 0;
  virtual Outcome<SocketName> name() = 0;
  virtual Outcome<SocketName> peer_name() = 0;
  /// The peer as accept(2) tells it, even when it has reset the connection since.
  virtual SocketName accepted_name() = 0;
  /// Whether bind(2) gave it a name that it keeps until it is closed.
  [[nodiscard]] bool is_bound() const { return is_bound_; }
  /// sendmsg(2) with all its flags. SIGPIPE becomes pending where Linux raises it.
  virtual Outcome<std::size_t> send(Process& process, const msghdr& message, int flags,
                                    Call& call) = 0;
  /// recvmsg(2) with all its flags; fills in name, control and flags of the message.
  virtual Outcome<std::size_t> receive(Process& process, msghdr& message, int flags,
                                       Call& call) = 0;
  /// getsockopt(2), setsockopt(2): SOL_SOCKET is done here, the rest by the family.
  Outcome<void> get_option(int level, int name, void* value, socklen_t* length);
  Outcome<void> set_option(int level, int name, const void* value, socklen_t length);
  /// SO_ERROR, which asking clears.
  virtual int take_error() = 0;
  [[nodiscard]] virtual bool is_listening() const { return false; }

  Outcome<std::size_t> read(Process& process, Buffers buffers, Call& call) override;
  Outcome<std::size_t> write(Process& process, Buffers buffers, Call& call) override;

 protected:
  /// An option of a family's own level. ENOPROTOOPT.
  virtual Outcome<int> get_family_option(int level, int name);
  virtual Outcome<void> set_family_option(int level, int name, int value);
  /// An option that is a structure (TCP_INFO, SO_PEERCRED): whether it is one, and was given.
  virtual Outcome<bool> get_structure(int level, int name, void* value, socklen_t* length);
  /// A larger buffer may make room.
  virtual void buffers_changed() {}
  /// Fixes the call's deadline when it begins: SO_RCVTIMEO, SO_SNDTIMEO.
  void begin(Call& call, Nanoseconds timeout) const;
  /// "Must wait" on queue(), unless non-blocking (by file or by `flags`, MSG_DONTWAIT) or past the
  /// deadline: then `error_if_not`.
  Stop wait_or_again(Call& call, Nanoseconds timeout, int flags, int error_if_not = EAGAIN);
  /// The same for a call that moves octets: it ends with those that it has moved, if any.
  Outcome<std::size_t> wait_or_part(Call& call, Nanoseconds timeout, int flags);
  /// How many octets a receive of at most `total` waits for: SO_RCVLOWAT, MSG_WAITALL.
  [[nodiscard]] std::size_t receive_target(std::size_t total, int flags) const;

  bool is_bound_ = false;

 private:
  Outcome<int> get_socket_option(int name);
  Outcome<void> set_socket_option(int name, int number);

  int family_;
  int type_;
  int protocol_;
  std::map<std::pair<int, int>, int> kept_;  ///< options that change nothing here
};

/// socket(2). EAFNOSUPPORT, EPROTONOSUPPORT, EINVAL, EMFILE.
Outcome<int> create_socket(Process& process, int family, int type, int protocol);
/// socketpair(2).
Outcome<void> create_socket_pair(Process& process, int family, int type, int protocol, int* fds);
/// accept4(2) whole; `file` is what the descriptor referred to when the call began. EMFILE before
/// anything else.
Outcome<int> accept(Process& process, File& file, sockaddr* address, socklen_t* length, int flags,
                    Call& call);

}  // namespace sockdrill::sim
