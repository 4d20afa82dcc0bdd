#pragma once

// The host's network: its addresses, its ports, who may bind what, and who gets a packet.
//
// There is one host; all traffic is local, and arrives at once and in order.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/sim/kernel/address.h"

namespace sockdrill::sim {

class TcpEnd;
class UdpSocket;
class UnixSocket;

/// What the rules of bind(2) look at.
struct Binding {
  Endpoint local;  ///< port 0: none
  int family = AF_INET;
  bool only_ipv6 = false;
  // Of TCP's, as they were when they counted: an end outlives its socket.
  bool reuse_address = false;
  bool reuse_port = false;
};

/// Where AF_UNIX sockets have their names: sockets in a file system.
class SocketPaths {
 public:
  virtual ~SocketPaths() = default;
  /// An identity of a file that lasts as long as the file.
  using Node = std::uint64_t;
  /// A new socket file, as bind(2) makes it. EADDRINUSE when there is something; ENOENT, EACCES,
  /// ENOTDIR ...
  virtual Outcome<Node> create(const std::string& path) = 0;
  /// The socket file that connect(2) finds there. ENOENT, ECONNREFUSED (no socket), EACCES ...
  virtual Outcome<Node> find(const std::string& path) = 0;
};

/// A file system that has nothing but sockets.
class OwnSocketPaths final : public SocketPaths {
 public:
  Outcome<Node> create(const std::string& path) override;
  Outcome<Node> find(const std::string& path) override;

 private:
  std::unordered_map<std::string, Node> nodes_;
  Node last_ = 0;
};

class Network final {
 public:
  explicit Network(SocketPaths* paths);

  /// A second interface with 192.0.2.1/24 that can broadcast; without it 255.255.255.255 has no
  /// route.
  bool has_broadcast_link = false;
  std::uint64_t dropped_datagrams = 0;

  [[nodiscard]] bool is_local(const Address& address) const;
  [[nodiscard]] bool is_broadcast(const Address& address) const;
  /// The address that a packet to `to` leaves from when the socket has none. ENETUNREACH.
  [[nodiscard]] Outcome<Address> source_for(const Address& to) const;

  // TCP.
  /// Fixes end.local.port; 0 asks for one. EADDRINUSE.
  Outcome<void> bind(TcpEnd& end, const Endpoint& wanted);
  /// For an end that shares its listener's port.
  void adopt(TcpEnd& end);
  void release(TcpEnd& end);
  /// The connection is over, the port is kept (SOCK_BINDPORT_LOCK).
  void forget_pair(TcpEnd& end);
  /// Whether this end could listen now: no other listener where it would.
  [[nodiscard]] bool may_listen(const TcpEnd& end) const;
  void add_listener(TcpEnd& end);
  void remove_listener(TcpEnd& end);
  [[nodiscard]] TcpEnd* find_listener(const Endpoint& to) const;
  /// Whether a connection of these two ends is in use already. `self` is not counted.
  [[nodiscard]] TcpEnd* find_connection(const Endpoint& local, const Endpoint& remote,
                                        const TcpEnd* self) const;

  // UDP.
  Outcome<void> bind(UdpSocket& socket, const Endpoint& wanted);
  void release(UdpSocket& socket);
  /// Who gets a datagram; several for a broadcast or multicast, which needs no joining
  /// (IP_MULTICAST_ALL).
  void find_receivers(const Endpoint& from, const Endpoint& to,
                      std::vector<UdpSocket*>& receivers) const;

  // AF_UNIX.
  SocketPaths& paths() { return *paths_; }
  std::unordered_map<SocketPaths::Node, UnixSocket*> path_sockets;
  std::unordered_map<std::string, UnixSocket*> abstract_sockets;
  std::uint32_t last_autobind = 0;

  /// All ends that there are, orphans too: for reports.
  [[nodiscard]] std::vector<TcpEnd*> tcp_ends() const;
  /// At the end of the kernel.
  void close_all();

 private:
  struct Pair {
    Endpoint local;
    Endpoint remote;
    bool operator==(const Pair&) const = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& pair) const {
      constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15;
      std::uint64_t hash = pair.local.address.low * kPrime ^ pair.remote.address.low;
      hash = hash * kPrime ^ (std::uint64_t{pair.local.port} << 16 | pair.remote.port);
      return static_cast<std::size_t>(hash * kPrime);
    }
  };

  OwnSocketPaths own_paths_;
  SocketPaths* paths_;
  std::unordered_map<std::uint16_t, std::vector<TcpEnd*>> tcp_ports_;
  std::unordered_map<std::uint16_t, std::vector<TcpEnd*>> listeners_;
  std::unordered_map<Pair, TcpEnd*, PairHash> pairs_;
  std::unordered_map<std::uint16_t, std::vector<UdpSocket*>> udp_ports_;
  std::uint16_t next_port_;
};

}  // namespace sockdrill::sim
