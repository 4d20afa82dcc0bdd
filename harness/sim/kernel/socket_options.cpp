#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/sockets.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kLargestBuffer =
    4194304;  // net.core.rmem_max and wmem_max of today's kernels
constexpr std::size_t kSmallestReceiveBuffer = 2304;
constexpr std::size_t kSmallestSendBuffer = 4608;

Nanoseconds read_time(const void* value) {
  timeval time{};
  std::memcpy(&time, value, sizeof(time));
  return nanoseconds_of(time);
}

}  // namespace

Outcome<int> Socket::get_socket_option(int name) {
  switch (name) {
    case SO_TYPE:
      return type_;
    case SO_DOMAIN:
      return family_;
    case SO_PROTOCOL:
      return protocol_;
    case SO_ACCEPTCONN:
      return is_listening() ? 1 : 0;
    case SO_ERROR:
      return take_error();
    case SO_REUSEADDR:
      return options.reuse_address ? 1 : 0;
    case SO_REUSEPORT:
      return options.reuse_port ? 1 : 0;
    case SO_KEEPALIVE:
      return options.keep_alive ? 1 : 0;
    case SO_BROADCAST:
      return options.broadcast ? 1 : 0;
    case SO_OOBINLINE:
      return options.urgent_inline ? 1 : 0;
    case SO_PASSCRED:
      return options.pass_credentials ? 1 : 0;
    case SO_RCVBUF:
      return static_cast<int>(options.receive_buffer);
    case SO_SNDBUF:
      return static_cast<int>(options.send_buffer);
    case SO_RCVLOWAT:
      return static_cast<int>(options.receive_low_water);
    case SO_SNDLOWAT:
      return 1;
    default: {
      const auto found = kept_.find(std::pair(SOL_SOCKET, name));
      if (found != kept_.end()) return found->second;
      return refuse(ENOPROTOOPT);
    }
  }
}

Outcome<void> Socket::get_option(int level, int name, void* value, socklen_t* length) {
  if (static_cast<int>(*length) < 0) return refuse(EINVAL);
  if (level == SOL_SOCKET) {
    const auto give = [&](const auto& answer) -> Outcome<void> {
      give_option(answer, value, length);
      return {};
    };
    if (name == SO_LINGER)
      return give(linger{.l_onoff = options.linger ? 1 : 0, .l_linger = options.linger_seconds});
    if (name == SO_RCVTIMEO) return give(timeval_of(options.receive_timeout));
    if (name == SO_SNDTIMEO) return give(timeval_of(options.send_timeout));
  }
  if (TRY(get_structure(level, name, value, length))) return {};
  const int answer =
      TRY(level == SOL_SOCKET ? get_socket_option(name) : get_family_option(level, name));
  give_option(answer, value, length);
  return {};
}

Outcome<bool> Socket::get_structure(int, int, void*, socklen_t*) { return false; }

Outcome<int> Socket::get_family_option(int level, int name) {
  const auto found = kept_.find(std::pair(level, name));
  if (found != kept_.end()) return found->second;
  return refuse(family_ == AF_UNIX ? EOPNOTSUPP : ENOPROTOOPT);
}

Outcome<void> Socket::set_family_option(int level, int name, int value) {
  if (family_ == AF_UNIX) return refuse(EOPNOTSUPP);
  if (level != IPPROTO_IP && level != protocol_ && !(level == IPPROTO_IPV6 && family_ == AF_INET6))
    return refuse(ENOPROTOOPT);
  kept_[std::pair(level, name)] = value;
  return {};
}

Outcome<void> Socket::set_option(int level, int name, const void* value, socklen_t length) {
  if (level == SOL_SOCKET && name == SO_LINGER) {
    if (length < sizeof(struct linger)) return refuse(EINVAL);
    struct linger given {};
    std::memcpy(&given, value, sizeof(given));
    options.linger = given.l_onoff != 0;
    options.linger_seconds = given.l_linger;
    return {};
  }
  if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
    if (length < sizeof(timeval)) return refuse(EINVAL);
    (name == SO_RCVTIMEO ? options.receive_timeout : options.send_timeout) = read_time(value);
    return {};
  }
  int number = 0;
  if (length < sizeof(number)) {
    // ip(7) takes a single octet for some of its options.
    if (level != IPPROTO_IP || length < 1) return refuse(EINVAL);
    number = *static_cast<const unsigned char*>(value);
  } else {
    std::memcpy(&number, value, sizeof(number));
  }
  if (level != SOL_SOCKET) return set_family_option(level, name, number);
  return set_socket_option(name, number);
}

Outcome<void> Socket::set_socket_option(int name, int number) {
  const bool on = number != 0;
  switch (name) {
    case SO_REUSEADDR:
      options.reuse_address = on;
      break;
    case SO_REUSEPORT:
      options.reuse_port = on;
      break;
    case SO_KEEPALIVE:
      options.keep_alive = on;
      break;
    case SO_BROADCAST:
      options.broadcast = on;
      break;
    case SO_OOBINLINE:
      options.urgent_inline = on;
      break;
    case SO_PASSCRED:
      options.pass_credentials = on;
      break;
    case SO_RCVLOWAT:
      options.receive_low_water = number < 0
                                      ? std::size_t{1} << 30
                                      : std::max<std::size_t>(1, static_cast<std::size_t>(number));
      break;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
      // socket(7): the kernel doubles it, to allow for bookkeeping.
      options.receive_buffer = std::max(
          kSmallestReceiveBuffer,
          2 * std::min(kLargestBuffer, static_cast<std::size_t>(static_cast<unsigned>(number))));
      buffers_changed();
      break;
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
      options.send_buffer = std::max(
          kSmallestSendBuffer,
          2 * std::min(kLargestBuffer, static_cast<std::size_t>(static_cast<unsigned>(number))));
      options.is_send_buffer_set = true;
      buffers_changed();
      break;
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_SNDLOWAT:
      return refuse(ENOPROTOOPT);
    default:
      // What only steers how packets leave: kept, so that it can be asked for.
      kept_[std::pair(SOL_SOCKET, name)] = number;
  }
  return {};
}

}  // namespace sockdrill::sim
