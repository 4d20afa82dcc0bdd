#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/sockios.h>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/tcp.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kReceiveBuffer = 131072;  // net.ipv4.tcp_rmem, [1]
constexpr std::size_t kSendBuffer = 16384;      // net.ipv4.tcp_wmem, [1]
constexpr std::size_t kGrownSendBuffer = 2626560;

}  // namespace

TcpSocket::TcpSocket(Kernel& kernel, int family, int status_flags)
    : Socket(kernel, family, SOCK_STREAM, IPPROTO_TCP, status_flags),
      end_(make_ref<TcpEnd>(kernel, this, family)) {
  options.receive_buffer = kReceiveBuffer;
  options.send_buffer = kSendBuffer;
}

TcpSocket::~TcpSocket() { end_->close(options.linger && options.linger_seconds == 0); }

void TcpSocket::begin_as_accepted(const TcpSocket& listener) {
  options = listener.options;
  if (!options.is_send_buffer_set) options.send_buffer = kGrownSendBuffer;
  progress_ = Progress::connected;
  is_waiting_ = true;
}

Outcome<void> TcpSocket::wait_for_close(Call& call) {
  if (!options.linger || options.linger_seconds == 0) return {};
  const auto is_under_way = [&] {
    return end_->state() == TcpState::fin_wait1 || end_->state() == TcpState::closing ||
           end_->state() == TcpState::last_ack;
  };
  if (call.until == kNever) {
    call.until = kernel().now() + std::chrono::seconds(options.linger_seconds);
    if (!end_->received.is_empty()) return {};  // it will be a reset
    end_->shut_read();
    end_->shut_write();
  }
  if (!is_under_way() || kernel().now() >= call.until) return {};
  return tl::unexpected<Stop>(
      Stop{.error = {}, .queue = &queue(), .more_queues = {}, .until = call.until});
}

Outcome<void> TcpSocket::bind(Process&, const sockaddr* address, socklen_t length) {
  const Endpoint wanted = TRY(read_endpoint(family(), address, length));
  Network& network = kernel().network();
  if (!wanted.address.is_any() && !network.is_local(wanted.address)) return refuse(EADDRNOTAVAIL);
  if (wanted.address.is_ipv4() && end_->binding.only_ipv6) return refuse(EINVAL);
  if (end_->state() != TcpState::closed || end_->has_port) return refuse(EINVAL);
  end_->binding.reuse_address = options.reuse_address;
  end_->binding.reuse_port = options.reuse_port;
  TRY_VOID(network.bind(*end_, wanted));
  is_bound_ = true;
  return {};
}

Outcome<void> TcpSocket::listen(Process&, int backlog) {
  if (progress_ != Progress::unconnected) return refuse(EINVAL);
  if (end_->state() != TcpState::closed && end_->state() != TcpState::listening)
    return refuse(EINVAL);
  if (end_->state() == TcpState::closed) {
    end_->binding.reuse_address = options.reuse_address;
    end_->binding.reuse_port = options.reuse_port;
    if (!end_->has_port) {
      TRY_VOID(kernel().network().bind(*end_, Endpoint{end_->binding.local.address, 0}));
    }
    if (!kernel().network().may_listen(*end_)) return refuse(EADDRINUSE);
  }
  end_->listen(cut_backlog(backlog));
  return {};
}

Outcome<Ref<Socket>> TcpSocket::accept_one(Process&, int status_flags, Call& call) {
  if (!is_listening()) return refuse(EINVAL);
  auto& queue_of_connections = end_->accept_queue();
  if (queue_of_connections.empty()) {
    Stop stop = wait_or_again(call, options.receive_timeout, 0);
    stop.is_exclusive = true;
    return tl::unexpected<Stop>(std::move(stop));
  }
  const Ref<TcpSocket> accepted = queue_of_connections.front();
  accepted->is_waiting_ = false;
  queue_of_connections.pop_front();
  accepted->set_status_flags(status_flags);
  return Ref<Socket>(accepted);
}

Outcome<void> TcpSocket::begin_connecting(const sockaddr* address, socklen_t length) {
  Endpoint to = TRY(read_endpoint(family(), address, length));
  Network& network = kernel().network();
  TcpEnd& end = *end_;
  // The address of nobody is this host (RFC 1122, 3.2.1.3 does not want it; Linux does).
  if (to.address.is_any()) {
    const bool is_ipv4 = to.address.is_ipv4() || end.binding.local.address.is_ipv4();
    to.address = is_ipv4 ? Address::loopback_ipv4() : Address::loopback_ipv6();
  }
  if (to.address.is_multicast() || network.is_broadcast(to.address)) return refuse(ENETUNREACH);
  const Address from = TRY(network.source_for(to.address));
  const Address local = end.binding.local.address.is_any() ? from : end.binding.local.address;
  if (local.is_ipv4() != to.address.is_ipv4()) return refuse(ENETUNREACH);
  if (!end.has_port) {
    end.binding.reuse_address = options.reuse_address;
    if (Outcome<void> bound = network.bind(end, Endpoint{local, 0}); !bound)
      return refuse(EADDRNOTAVAIL);
  }
  const TcpEnd* const same =
      network.find_connection(Endpoint{local, end.binding.local.port}, to, &end);
  if (same != nullptr && same->state() != TcpState::time_wait) return refuse(EADDRNOTAVAIL);
  end.binding.local.address = local;
  end.remote = to;
  network.adopt(end);
  progress_ = Progress::connecting;
  end.open();
  return {};
}

Outcome<void> TcpSocket::connect(Process&, const sockaddr* address, socklen_t length, Call& call) {
  if (length < sizeof(sa_family_t)) return refuse(EINVAL);
  if (address->sa_family == AF_UNSPEC) {
    end_->disconnect();
    progress_ = Progress::unconnected;
    return {};
  }
  int error_if_not = EALREADY;
  if (!call.has_begun) {
    if (progress_ == Progress::connected) return refuse(EISCONN);
    if (progress_ == Progress::unconnected) {
      if (end_->state() != TcpState::closed) return refuse(EISCONN);
      TRY_VOID(begin_connecting(address, length));
      error_if_not = EINPROGRESS;
      // Locked by this call, the socket sees the answer when the call is over: it is never told at
      // once.
      if (is_non_blocking()) return refuse(EINPROGRESS);
    }
  } else {
    error_if_not = EINPROGRESS;
  }
  if (end_->state() == TcpState::syn_sent)
    return tl::unexpected<Stop>(wait_or_again(call, options.send_timeout, 0, error_if_not));
  call.has_begun = true;
  if (end_->state() == TcpState::closed) {
    progress_ = Progress::unconnected;
    const int error = end_->take_error();
    end_->disconnect();
    return refuse(error != 0 ? error : ECONNABORTED);
  }
  progress_ = Progress::connected;
  if (!options.is_send_buffer_set) options.send_buffer = kGrownSendBuffer;
  return {};
}

Outcome<void> TcpSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return refuse(EINVAL);
  const bool read = how != SHUT_WR;
  const bool write = how != SHUT_RD;
  switch (end_->state()) {
    case TcpState::closed:
      // Not connected, but who waits in poll(2) is to see it (inet_shutdown()).
      end_->note_shutdown(read, write);
      wake(0);
      return refuse(ENOTCONN);
    case TcpState::listening:
      if (read) {
        end_->disconnect();
        progress_ = Progress::unconnected;
      }
      break;
    case TcpState::syn_sent:
      end_->disconnect();
      progress_ = Progress::unconnected;
      break;
    default: {
      const Ref<TcpEnd> end = end_;
      if (read) end->shut_read();
      if (write) end->shut_write();
    }
  }
  wake(0);
  return {};
}

Outcome<SocketName> TcpSocket::name() { return write_endpoint(family(), end_->binding.local); }

Outcome<SocketName> TcpSocket::peer_name() {
  const TcpState state = end_->state();
  if (end_->remote.port == 0 || state == TcpState::closed || state == TcpState::syn_sent)
    return refuse(ENOTCONN);
  return write_endpoint(family(), end_->remote);
}

SocketName TcpSocket::accepted_name() { return write_endpoint(family(), end_->remote); }

// tcp_poll().
std::uint32_t TcpSocket::poll() {
  TcpEnd& end = *end_;
  if (is_listening()) return end.accept_queue().empty() ? 0 : EPOLLIN | EPOLLRDNORM;
  std::uint32_t bits = 0;
  if ((end.is_read_shut() && end.is_write_shut()) || end.state() == TcpState::closed)
    bits |= EPOLLHUP;
  if (end.is_read_shut()) bits |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  if (end.state() != TcpState::syn_sent) {
    std::size_t target = options.receive_low_water;
    const bool is_at_mark = end.has_urgent() && end.urgent_offset() == 0 && !options.urgent_inline;
    if (is_at_mark) ++target;
    if (end.received.size() >= target) bits |= EPOLLIN | EPOLLRDNORM;
    if (end.is_write_shut() || end.is_writable()) {
      bits |= EPOLLOUT | EPOLLWRNORM;
    } else {
      end.needs_space = true;
    }
    if (end.is_urgent_unread()) bits |= EPOLLPRI;
  }
  if (end.error() != 0) bits |= EPOLLERR;
  return bits;
}

Outcome<void> TcpSocket::ioctl(unsigned long request, void* argument) {
  int answer = 0;
  const TcpEnd& end = *end_;
  switch (request) {
    case FIONREAD:
      if (is_listening()) return refuse(EINVAL);
      answer = static_cast<int>(end.has_urgent() && !options.urgent_inline &&
                                        end.urgent_offset() < end.received.size()
                                    ? end.urgent_offset()
                                    : end.received.size());
      break;
    case SIOCATMARK:
      answer = end.has_urgent() && end.urgent_offset() == 0 ? 1 : 0;
      break;
    case TIOCOUTQ:
    case SIOCOUTQNSD:
      if (is_listening()) return refuse(EINVAL);
      answer = static_cast<int>(end.unsent());
      break;
    default:
      return File::ioctl(request, argument);
  }
  std::memcpy(argument, &answer, sizeof(answer));
  return {};
}

Outcome<int> TcpSocket::get_family_option(int level, int name) {
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && family() == AF_INET6)
    return end_->binding.only_ipv6 ? 1 : 0;
  if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    constexpr int kOfLoopback = 65483;
    constexpr int kUnconnected = 536;
    return end_->state() == TcpState::closed ? kUnconnected : kOfLoopback;
  }
  if (level == IPPROTO_TCP) {
    const Outcome<int> kept = Socket::get_family_option(level, name);
    if (kept) return kept;
    if (name == TCP_NODELAY || name == TCP_CORK || name == TCP_DEFER_ACCEPT ||
        name == TCP_USER_TIMEOUT)
      return 0;
    if (name == TCP_QUICKACK) return 1;
    if (name == TCP_KEEPIDLE) return 7200;
    if (name == TCP_KEEPINTVL) return 75;
    if (name == TCP_KEEPCNT) return 9;
    if (name == TCP_SYNCNT) return 6;
    if (name == TCP_LINGER2) return 60;
  }
  return Socket::get_family_option(level, name);
}

Outcome<void> TcpSocket::set_family_option(int level, int name, int value) {
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
    if (family() != AF_INET6) return refuse(ENOPROTOOPT);
    if (end_->has_port) return refuse(EINVAL);
    end_->binding.only_ipv6 = value != 0;
    return {};
  }
  if (level == IPPROTO_UDP) return refuse(ENOPROTOOPT);
  return Socket::set_family_option(level, name, value);
}

Outcome<bool> TcpSocket::get_structure(int level, int name, void* value, socklen_t* length) {
  if (level != IPPROTO_TCP || name != TCP_INFO) return false;
  tcp_info info{};
  info.tcpi_state = static_cast<std::uint8_t>(end_->state());
  info.tcpi_snd_mss = info.tcpi_rcv_mss = 65483;
  info.tcpi_unacked = end_->unsent() > 0 ? 1 : 0;
  give_option(info, value, length);
  return true;
}

void TcpSocket::tell_owner() {
  if (owner == 0) return;
  Process* const process = kernel().find_process(owner);
  if (process != nullptr) kernel().send_signal(*process, signal_info(SIGURG, SI_KERNEL));
}

}  // namespace sockdrill::sim
