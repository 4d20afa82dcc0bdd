#pragma once

// AF_UNIX (unix(7)): streams, datagrams and sequenced packets; names in the file system, abstract
// ones, and none. What is sent stands in the receiver's queue and is charged to the sender's buffer
// until it is read.

#include <sys/un.h>

#include <deque>
#include <optional>
#include <string>

#include "harness/sim/kernel/network.h"

namespace sockdrill::sim {

class UnixSocket final : public Socket {
 public:
  UnixSocket(Kernel& kernel, int type, int status_flags);
  ~UnixSocket() override;
  /// socketpair(2).
  static void pair(UnixSocket& first, UnixSocket& second, const Process& process);

  Outcome<void> bind(Process& process, const sockaddr* address, socklen_t length) override;
  Outcome<void> listen(Process& process, int backlog) override;
  Outcome<Ref<Socket>> accept_one(Process& process, int status_flags, Call& call) override;
  Outcome<void> connect(Process& process, const sockaddr* address, socklen_t length,
                        Call& call) override;
  Outcome<void> shutdown(int how) override;
  Outcome<SocketName> name() override { return name_of(*this); }
  Outcome<SocketName> peer_name() override;
  SocketName accepted_name() override;
  Outcome<std::size_t> send(Process& process, const msghdr& message, int flags,
                            Call& call) override;
  Outcome<std::size_t> receive(Process& process, msghdr& message, int flags, Call& call) override;
  int take_error() override { return std::exchange(error_, 0); }
  [[nodiscard]] bool is_listening() const override { return is_listening_; }
  std::uint32_t poll() override;
  Outcome<void> ioctl(unsigned long request, void* argument) override;

  /// As bound: a path, "\0..." (abstract), or "" (unnamed).
  [[nodiscard]] const std::string& bound_name() const { return name_; }
  [[nodiscard]] std::size_t queued() const { return messages_.size(); }
  [[nodiscard]] std::size_t unread_octets() const;
  [[nodiscard]] const std::deque<Ref<UnixSocket>>& connections() const { return connections_; }
  [[nodiscard]] std::size_t backlog() const { return backlog_; }
  [[nodiscard]] UnixSocket* peer() const { return peer_; }
  [[nodiscard]] bool has_ended() const { return is_read_shut_; }

 protected:
  Outcome<bool> get_structure(int level, int name, void* value, socklen_t* length) override;
  void buffers_changed() override { tell_space(); }

 private:
  /// What a sender's buffer is charged with; outlives the sender while its messages stand in
  /// queues.
  struct Account final : Counted {
    UnixSocket* sender = nullptr;
    std::size_t charged = 0;
  };
  struct Message {
    std::string octets;
    std::size_t taken = 0;  ///< of the octets, by reads of a stream
    std::size_t charge = 0;
    Ref<Account> account;
    std::string from;  ///< the sender's name
    ucred credentials{};
    std::vector<Ref<File>> files;  ///< SCM_RIGHTS
  };

  /// Abstract names of different types do not meet.
  [[nodiscard]] std::string key_of(const std::string& name) const;
  static SocketName name_of(const UnixSocket& socket);
  static SocketName write_name(const std::string& name);
  static ucred credentials_of(const Process& process);
  Outcome<std::string> read_name(const sockaddr* address, socklen_t length) const;
  Outcome<UnixSocket*> find(const std::string& name);
  void autobind();
  Outcome<void> connect_stream(Process& process, const std::string& name, Call& call);
  Outcome<void> connect_datagram(const std::string& name);
  void disconnect_datagram();
  Outcome<std::size_t> send_stream(Process& process, const msghdr& header, Message& message,
                                   int flags, Call& call);
  Outcome<UnixSocket*> destination(const std::string& name);
  Outcome<std::size_t> send_whole(const msghdr& header, Message& message, int flags, Call& call);
  Outcome<void> read_control(Process& process, const msghdr& header, Message& message) const;
  void write_control(Process& process, msghdr& header, Message& message, int flags);
  Outcome<std::size_t> receive_stream(Process& process, msghdr& header, int flags, Call& call);
  Outcome<std::size_t> receive_whole(Process& process, msghdr& header, int flags, Call& call);
  void put(UnixSocket& to, Message message);
  void close_connections();
  void end_peer();
  void release(Message& message);
  void drop_messages();
  void tell_space();
  void set_peer(UnixSocket* peer);
  [[nodiscard]] bool is_full() const { return messages_.size() > kMostDatagrams; }
  [[nodiscard]] bool is_writable() const;
  [[nodiscard]] bool is_connection_based() const { return type() != SOCK_DGRAM; }
  Outcome<std::size_t> fail_sending(Process& process, int flags);

  static constexpr std::size_t kMostDatagrams = 10;  // net.unix.max_dgram_qlen

  Ref<Account> account_;
  std::deque<Message> messages_;
  std::deque<Ref<UnixSocket>> connections_;
  WaitQueue room_;  ///< who waits to send to this one, or to connect
  std::string name_;
  std::optional<SocketPaths::Node> node_;
  UnixSocket* peer_ = nullptr;
  std::vector<UnixSocket*> fans_;  ///< those whose peer_ is this one
  std::size_t backlog_ = 0;
  bool is_listening_ = false;
  bool is_connected_ = false;   ///< streams and seqpackets; datagrams with a peer
  bool has_lost_peer_ = false;  ///< datagrams: the one it was connected to is gone
  bool is_read_shut_ = false;
  bool is_write_shut_ = false;
  int error_ = 0;
  ucred peer_credentials_{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = static_cast<gid_t>(-1)};
  ucred own_credentials_{};
  std::string peer_name_;  ///< kept when the peer is gone
};

}  // namespace sockdrill::sim
