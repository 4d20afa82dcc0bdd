#include "harness/sim/kernel/udp.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"

namespace sockdrill::sim {

namespace {

constexpr std::size_t kBuffer = 212992;  // net.core.rmem_default and wmem_default
constexpr std::size_t kLargestIpv4 = 65507;
constexpr std::size_t kLargestIpv6 = 65527;

/// What a datagram takes of a receive buffer: skb->truesize, as seen on a 6.18 kernel.
std::size_t charge_of(std::size_t size) {
  if (size <= 256) return 832;
  std::size_t room = 1024;
  while (room < size + 384 && room < 65536) room *= 2;
  return std::max(room, size) + 256;
}

/// The address of nobody is this host, as for TCP.
Endpoint at_this_host(Endpoint to) {
  if (to.address.is_any())
    to.address = to.address.is_ipv4() ? Address::loopback_ipv4() : Address::loopback_ipv6();
  return to;
}

}  // namespace

UdpSocket::UdpSocket(Kernel& kernel, int family, int status_flags)
    : Socket(kernel, family, SOCK_DGRAM, IPPROTO_UDP, status_flags) {
  options.receive_buffer = options.send_buffer = kBuffer;
  binding.family = family;
  binding.local.address = Address::any(family);
  remote.address = binding.local.address;
}

UdpSocket::~UdpSocket() {
  if (has_port_) kernel().network().release(*this);
}

Outcome<void> UdpSocket::bind(Process&, const sockaddr* address, socklen_t length) {
  const Endpoint wanted = TRY(read_endpoint(family(), address, length));
  Network& network = kernel().network();
  const Address& local = wanted.address;
  // A broadcast or multicast address may be bound, to hear only that (udp(7)).
  if (!local.is_any() && !network.is_local(local) && !local.is_multicast() &&
      !(network.is_broadcast(local)))
    return refuse(EADDRNOTAVAIL);
  if (local.is_ipv4() && binding.only_ipv6) return refuse(EINVAL);
  if (has_port_) return refuse(EINVAL);
  TRY_VOID(network.bind(*this, wanted));
  has_port_ = is_bound_ = true;
  return {};
}

Outcome<void> UdpSocket::bind_if_needed(const Address& local) {
  if (has_port_) return {};
  if (Outcome<void> bound = kernel().network().bind(*this, Endpoint{local, 0}); !bound)
    return refuse(EAGAIN);
  has_port_ = true;
  return {};
}

Outcome<void> UdpSocket::connect(Process&, const sockaddr* address, socklen_t length, Call&) {
  if (length < sizeof(sa_family_t)) return refuse(EINVAL);
  if (address->sa_family == AF_UNSPEC) {
    remote = Endpoint{};
    if (has_port_ && !is_bound_) {
      kernel().network().release(*this);
      has_port_ = false;
      binding.local.port = 0;
    }
    if (!is_bound_) binding.local.address = Address::any(family());
    return {};
  }
  const Endpoint to = at_this_host(TRY(read_endpoint(family(), address, length)));
  Network& network = kernel().network();
  if (network.is_broadcast(to.address) && !options.broadcast) return refuse(EACCES);
  const Address from = TRY(network.source_for(to.address));
  TRY_VOID(bind_if_needed(binding.local.address));
  if (binding.local.address.is_any()) binding.local.address = from;
  remote = to;
  return {};
}

Outcome<void> UdpSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return refuse(EINVAL);
  const bool is_connected = remote.port != 0;
  // inet_shutdown(): ENOTCONN, but who sleeps in a call is woken.
  is_read_shut_ = is_read_shut_ || how != SHUT_WR;
  is_write_shut_ = is_write_shut_ || how != SHUT_RD;
  queue_.wake_all(0);
  if (!is_connected) return refuse(ENOTCONN);
  return {};
}

Outcome<SocketName> UdpSocket::peer_name() {
  if (remote.port == 0) return refuse(ENOTCONN);
  return write_endpoint(family(), remote);
}

std::uint32_t UdpSocket::poll() {
  std::uint32_t bits = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
  if (error_ != 0) bits |= EPOLLERR;
  if (is_read_shut_) bits |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (is_read_shut_ && is_write_shut_) bits |= EPOLLHUP;
  if (!queue_of_datagrams_.empty()) bits |= EPOLLIN | EPOLLRDNORM;
  return bits;
}

Outcome<Endpoint> UdpSocket::destination(const msghdr& message) {
  if (message.msg_name == nullptr || message.msg_namelen == 0) {
    if (remote.port == 0) return refuse(EDESTADDRREQ);
    return remote;
  }
  const Endpoint to = TRY(
      read_endpoint(family(), static_cast<const sockaddr*>(message.msg_name), message.msg_namelen));
  if (to.port == 0) return refuse(EINVAL);
  return at_this_host(to);
}

// udp_sendmsg().
Outcome<std::size_t> UdpSocket::send(Process&, const msghdr& message, int flags, Call&) {
  const Buffers buffers = buffers_of(message);
  const std::size_t size = size_of(buffers);
  if ((flags & MSG_OOB) != 0) return refuse(EOPNOTSUPP);
  const Endpoint to = TRY(destination(message));
  if (size + unsent_.size() > (to.address.is_ipv4() ? kLargestIpv4 : kLargestIpv6))
    return refuse(EMSGSIZE);
  Network& network = kernel().network();
  const bool is_for_many = network.is_broadcast(to.address);
  const Address source = TRY(network.source_for(to.address));
  if (is_for_many && !options.broadcast) return refuse(EACCES);
  if (to.address.is_ipv4() && binding.only_ipv6) return refuse(ENETUNREACH);
  TRY_VOID(bind_if_needed(binding.local.address));
  if (is_write_shut_) return refuse(EPIPE);  // without SIGPIPE
  if (const int error = take_error(); error != 0) return refuse(error);
  Datagram datagram{.octets = std::exchange(unsent_, {}), .from = binding.local, .to = to};
  if (datagram.from.address.is_any()) datagram.from.address = source;
  const std::size_t before = datagram.octets.size();
  datagram.octets.resize(before + size);
  gather(buffers, 0, datagram.octets.data() + before, size);
  if ((flags & MSG_MORE) != 0) {
    unsent_ = std::move(datagram.octets);
    return size;
  }
  datagram.charge = charge_of(datagram.octets.size());
  std::vector<UdpSocket*> receivers;
  network.find_receivers(datagram.from, to, receivers);
  for (UdpSocket* receiver : receivers) receiver->take(datagram);
  // The host answers "port unreachable"; only a connected socket is told (udp(7)).
  if (receivers.empty() && !is_for_many && !to.address.is_multicast() && remote == to)
    take_refusal();
  return size;
}

void UdpSocket::take(const Datagram& datagram) {
  if (charged_ + datagram.charge > options.receive_buffer) {
    // One that is alone is taken however large it is.
    if (!queue_of_datagrams_.empty()) {
      ++drops_;
      ++kernel().network().dropped_datagrams;
      return;
    }
  }
  charged_ += datagram.charge;
  queue_of_datagrams_.push_back(datagram);
  queue_.wake(kDataEvents);
}

void UdpSocket::take_refusal() {
  error_ = ECONNREFUSED;
  queue_.wake_all(EPOLLERR);
}

void UdpSocket::give_control(msghdr& message, const Datagram& datagram) const {
  ControlWriter control(message);
  if (!tells_destination_) return;
  if (family() == AF_INET) {
    in_pktinfo info{};
    info.ipi_ifindex = datagram.to.address.is_loopback() ? 1 : 2;
    info.ipi_addr.s_addr = htonl(datagram.to.address.as_ipv4());
    info.ipi_spec_dst = info.ipi_addr;
    control.put(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
  } else {
    const SocketName name = write_endpoint(AF_INET6, datagram.to);
    sockaddr_in6 in{};
    std::memcpy(&in, &name.storage, sizeof(in));
    in6_pktinfo info{.ipi6_addr = in.sin6_addr, .ipi6_ifindex = 1};
    control.put(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
  }
}

// udp_recvmsg() and __skb_recv_udp().
Outcome<std::size_t> UdpSocket::receive(Process&, msghdr& message, int flags, Call& call) {
  message.msg_flags = 0;
  if ((flags & MSG_ERRQUEUE) != 0) return refuse(EAGAIN);
  if (const int error = take_error(); error != 0) return refuse(error);
  if (queue_of_datagrams_.empty()) {
    Stop stop = wait_or_again(call, options.receive_timeout, flags);
    if (is_read_shut_ && stop.must_wait()) {  // who would sleep is told of the end; others are not
      message.msg_namelen = 0;
      message.msg_controllen = 0;
      return 0;
    }
    stop.is_exclusive = true;
    return tl::unexpected<Stop>(std::move(stop));
  }
  const Buffers buffers = buffers_of(message);
  const Datagram& datagram = queue_of_datagrams_.front();
  const std::size_t copied = scatter(buffers, 0, datagram.octets.data(), datagram.octets.size());
  const std::size_t whole = datagram.octets.size();
  if (copied < whole) message.msg_flags |= MSG_TRUNC;
  const SocketName from = write_endpoint(family(), datagram.from);
  if (message.msg_name != nullptr)
    give_name(from, static_cast<sockaddr*>(message.msg_name), &message.msg_namelen);
  give_control(message, datagram);
  if ((flags & MSG_PEEK) == 0) {
    charged_ -= datagram.charge;
    queue_of_datagrams_.pop_front();
  }
  return (flags & MSG_TRUNC) != 0 ? whole : copied;
}

Outcome<void> UdpSocket::ioctl(unsigned long request, void* argument) {
  if (request != FIONREAD && request != TIOCOUTQ) return File::ioctl(request, argument);
  const int answer = request == FIONREAD && !queue_of_datagrams_.empty()
                         ? static_cast<int>(queue_of_datagrams_.front().octets.size())
                         : 0;
  std::memcpy(argument, &answer, sizeof(answer));
  return {};
}

Outcome<void> UdpSocket::set_family_option(int level, int name, int value) {
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
    if (family() != AF_INET6) return refuse(ENOPROTOOPT);
    if (has_port_) return refuse(EINVAL);
    binding.only_ipv6 = value != 0;
    return {};
  }
  if (level == IPPROTO_TCP) return refuse(ENOPROTOOPT);
  if ((level == IPPROTO_IP && name == IP_PKTINFO) ||
      (level == IPPROTO_IPV6 && name == IPV6_RECVPKTINFO))
    tells_destination_ = value != 0;
  return Socket::set_family_option(level, name, value);
}

Outcome<int> UdpSocket::get_family_option(int level, int name) {
  if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && family() == AF_INET6)
    return binding.only_ipv6 ? 1 : 0;
  return Socket::get_family_option(level, name);
}

}  // namespace sockdrill::sim
