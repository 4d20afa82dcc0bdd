#pragma once

// UDP (RFC 768): datagrams that arrive at once, or are dropped when the receiver's buffer is full.

#include <deque>
#include <string>

#include "harness/sim/kernel/network.h"

namespace sockdrill::sim {

class UdpSocket final : public Socket {
 public:
  UdpSocket(Kernel& kernel, int family, int status_flags);
  ~UdpSocket() override;

  Outcome<void> bind(Process& process, const sockaddr* address, socklen_t length) override;
  Outcome<void> connect(Process& process, const sockaddr* address, socklen_t length,
                        Call& call) override;
  Outcome<void> shutdown(int how) override;
  Outcome<SocketName> name() override { return write_endpoint(family(), binding.local); }
  Outcome<SocketName> peer_name() override;
  SocketName accepted_name() override { return {}; }
  Outcome<std::size_t> send(Process& process, const msghdr& message, int flags,
                            Call& call) override;
  Outcome<std::size_t> receive(Process& process, msghdr& message, int flags, Call& call) override;
  int take_error() override { return std::exchange(error_, 0); }
  std::uint32_t poll() override;
  Outcome<void> ioctl(unsigned long request, void* argument) override;

  [[nodiscard]] std::size_t queued() const { return queue_of_datagrams_.size(); }
  [[nodiscard]] std::uint64_t drops() const { return drops_; }

  Binding binding;
  Endpoint remote;  ///< port 0: not connected

 protected:
  Outcome<void> set_family_option(int level, int name, int value) override;
  Outcome<int> get_family_option(int level, int name) override;

 private:
  struct Datagram {
    std::string octets;
    Endpoint from;
    Endpoint to;
    std::size_t charge = 0;
  };
  Outcome<void> bind_if_needed(const Address& local);
  Outcome<Endpoint> destination(const msghdr& message);
  void take(const Datagram& datagram);
  void take_refusal();
  void give_control(msghdr& message, const Datagram& datagram) const;

  std::deque<Datagram> queue_of_datagrams_;
  std::size_t charged_ = 0;
  std::uint64_t drops_ = 0;
  int error_ = 0;
  bool has_port_ = false;
  bool is_read_shut_ = false;
  bool is_write_shut_ = false;
  bool tells_destination_ = false;  ///< IP_PKTINFO, IPV6_RECVPKTINFO
  std::string unsent_;              ///< what MSG_MORE has gathered
};

}  // namespace sockdrill::sim
