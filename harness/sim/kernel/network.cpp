#include "harness/sim/kernel/network.h"

#include <algorithm>
#include <cerrno>

#include "harness/base/try.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/tcp.h"
#include "harness/sim/kernel/udp.h"

namespace sockdrill::sim {

namespace {

// net.ipv4.ip_local_port_range.
constexpr std::uint16_t kFirstPort = 32768;
constexpr std::uint16_t kLastPort = 60999;

// As harness/stage has them: RFC 5737.
constexpr Address kOrdinary = Address::ipv4(0xc0000281);  // 192.0.2.129
constexpr Address kOfLink = Address::ipv4(0xc0000201);    // 192.0.2.1
constexpr Address kLinkBroadcastAddress = Address::ipv4(0xc00002ff);
constexpr Address kLimitedBroadcast = Address::ipv4(0xffffffff);
constexpr std::uint32_t kLoopbackBroadcast = 0x7fffffff;

/// ipv6_rcv_saddr_equal(): whether a packet could be meant for both.
bool overlap(const Binding& a, const Binding& b) {
  const Address& x = a.local.address;
  const Address& y = b.local.address;
  const auto takes_all = [](const Binding& binding) {
    return binding.local.address == Address::any_ipv6();
  };
  if (takes_all(a) && takes_all(b)) return true;
  if (takes_all(a)) return y.is_ipv4() ? !a.only_ipv6 : true;
  if (takes_all(b)) return x.is_ipv4() ? !b.only_ipv6 : true;
  if (x == y) return true;
  return x.is_ipv4() && y.is_ipv4() && (x.is_any() || y.is_any());
}

/// How well a bound socket fits a packet's destination; -1: not at all.
int fit(const Binding& binding, const Endpoint& to) {
  const Address& own = binding.local.address;
  if (own == to.address) return 4;
  if (own == Address::any_ipv4() && to.address.is_ipv4()) return 2;
  if (own == Address::any_ipv6() && (!to.address.is_ipv4() || !binding.only_ipv6)) return 1;
  return -1;
}

template <typename Ports>
Outcome<std::uint16_t> find_free_port(const Ports& ports, std::uint16_t& next) {
  for (int tries = kLastPort - kFirstPort + 1; tries > 0; --tries) {
    const std::uint16_t port = next;
    next = next == kLastPort ? kFirstPort : static_cast<std::uint16_t>(next + 1);
    const auto found = ports.find(port);
    if (found == ports.end() || found->second.empty()) return port;
  }
  return refuse(EADDRINUSE);
}

}  // namespace

Outcome<SocketPaths::Node> OwnSocketPaths::create(const std::string& path) {
  if (nodes_.count(path) != 0) return refuse(EADDRINUSE);
  return nodes_[path] = ++last_;
}

Outcome<SocketPaths::Node> OwnSocketPaths::find(const std::string& path) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return refuse(ENOENT);
  return found->second;
}

Network::Network(SocketPaths* paths)
    : paths_(paths != nullptr ? paths : &own_paths_), next_port_(kFirstPort) {}

bool Network::is_broadcast(const Address& address) const {
  if (address == kLimitedBroadcast) return true;
  if (address == kLinkBroadcastAddress) return has_broadcast_link;
  return address.is_ipv4() && address.as_ipv4() == kLoopbackBroadcast;
}

bool Network::is_local(const Address& address) const {
  if (address.is_loopback()) return !is_broadcast(address);
  return address == kOrdinary || (has_broadcast_link && address == kOfLink);
}

Outcome<Address> Network::source_for(const Address& to) const {
  if (to == Address::loopback_ipv6()) return to;
  if (to.is_ipv4() && to.as_ipv4() >> 24 == 127) return Address::loopback_ipv4();
  if (is_local(to)) return to;
  if (has_broadcast_link && to.is_ipv4() && (is_broadcast(to) || to.is_multicast())) return kOfLink;
  return refuse(ENETUNREACH);
}

// TCP.

Outcome<void> Network::bind(TcpEnd& end, const Endpoint& wanted) {
  Binding binding = end.binding;
  binding.local = wanted;
  if (wanted.port == 0) {
    binding.local.port = TRY(find_free_port(tcp_ports_, next_port_));
  } else {
    // inet_bind_conflict().
    for (const TcpEnd* other : tcp_ports_[wanted.port]) {
      Binding theirs = other->binding;
      if (other->socket() != nullptr) {
        theirs.reuse_address = other->socket()->options.reuse_address;
        theirs.reuse_port = other->socket()->options.reuse_port;
      }
      if (!overlap(binding, theirs)) continue;
      const bool both_reuse =
          binding.reuse_address && theirs.reuse_address && other->state() != TcpState::listening;
      if (!both_reuse && !(binding.reuse_port && theirs.reuse_port)) return refuse(EADDRINUSE);
    }
  }
  end.binding = binding;
  adopt(end);
  return {};
}

void Network::adopt(TcpEnd& end) {
  if (!end.has_port) {
    auto& owners = tcp_ports_[end.binding.local.port];
    end.port_index = owners.size();
    end.has_port = true;
    owners.push_back(&end);
  }
  if (end.remote.port != 0 && !end.is_in_pairs) {
    pairs_[Pair{end.binding.local, end.remote}] = &end;
    end.is_in_pairs = true;
  }
}

void Network::forget_pair(TcpEnd& end) {
  if (!end.is_in_pairs) return;
  end.is_in_pairs = false;
  const auto found = pairs_.find(Pair{end.binding.local, end.remote});
  if (found != pairs_.end() && found->second == &end) pairs_.erase(found);
}

void Network::release(TcpEnd& end) {
  forget_pair(end);
  auto& owners = tcp_ports_[end.binding.local.port];
  owners[end.port_index] = owners.back();
  owners[end.port_index]->port_index = end.port_index;
  owners.pop_back();
  end.has_port = false;
}

bool Network::may_listen(const TcpEnd& end) const {
  const auto found = listeners_.find(end.binding.local.port);
  if (found == listeners_.end()) return true;
  return std::none_of(found->second.begin(), found->second.end(), [&](const TcpEnd* other) {
    const bool shares = end.binding.reuse_port && other->binding.reuse_port;
    return overlap(end.binding, other->binding) && !shares;
  });
}

void Network::add_listener(TcpEnd& end) { listeners_[end.binding.local.port].push_back(&end); }

void Network::remove_listener(TcpEnd& end) { std::erase(listeners_[end.binding.local.port], &end); }

TcpEnd* Network::find_listener(const Endpoint& to) const {
  const auto found = listeners_.find(to.port);
  if (found == listeners_.end()) return nullptr;
  TcpEnd* best = nullptr;
  int best_fit = -1;
  for (TcpEnd* listener : found->second) {
    const int its_fit = fit(listener->binding, to);
    // Of several with SO_REUSEPORT Linux takes one by a hash: here it is the emptiest.
    const bool is_emptier = best != nullptr && its_fit == best_fit &&
                            listener->accept_queue().size() < best->accept_queue().size();
    if (its_fit > best_fit || (its_fit >= 0 && is_emptier)) {
      best = listener;
      best_fit = its_fit;
    }
  }
  return best;
}

TcpEnd* Network::find_connection(const Endpoint& local, const Endpoint& remote,
                                 const TcpEnd* self) const {
  const auto found = pairs_.find(Pair{local, remote});
  return found == pairs_.end() || found->second == self ? nullptr : found->second;
}

// UDP.

Outcome<void> Network::bind(UdpSocket& socket, const Endpoint& wanted) {
  Binding binding = socket.binding;
  binding.local = wanted;
  if (wanted.port == 0) {
    binding.local.port = TRY(find_free_port(udp_ports_, next_port_));
  } else {
    for (const UdpSocket* other : udp_ports_[wanted.port]) {
      const bool both_reuse = socket.options.reuse_address && other->options.reuse_address;
      const bool both_share = socket.options.reuse_port && other->options.reuse_port;
      if (overlap(binding, other->binding) && !both_reuse && !both_share) return refuse(EADDRINUSE);
    }
  }
  socket.binding = binding;
  udp_ports_[binding.local.port].push_back(&socket);
  return {};
}

void Network::release(UdpSocket& socket) {
  std::erase(udp_ports_[socket.binding.local.port], &socket);
}

void Network::find_receivers(const Endpoint& from, const Endpoint& to,
                             std::vector<UdpSocket*>& receivers) const {
  const auto found = udp_ports_.find(to.port);
  if (found == udp_ports_.end()) return;
  const bool is_for_many = is_broadcast(to.address) || to.address.is_multicast();
  int best = -1;
  // The youngest first: it gets what several could get.
  for (auto each = found->second.rbegin(); each != found->second.rend(); ++each) {
    UdpSocket& socket = **each;
    const bool is_connected = socket.remote.port != 0;
    if (is_connected && socket.remote != from) continue;
    int its_fit = fit(socket.binding, to);
    if (its_fit < 0) continue;
    if (is_for_many) {
      receivers.push_back(&socket);
      continue;
    }
    if (is_connected) its_fit += 8;
    if (its_fit > best) {
      best = its_fit;
      receivers.assign(1, &socket);
    }
  }
}

std::vector<TcpEnd*> Network::tcp_ends() const {
  std::vector<TcpEnd*> ends;
  for (const auto& [port, owners] : tcp_ports_)
    ends.insert(ends.end(), owners.begin(), owners.end());
  return ends;
}

void Network::close_all() {
  for (TcpEnd* end : tcp_ends()) end->abandon();
}

}  // namespace sockdrill::sim
