#pragma once

// Our clients' sockets in the real world, and what the watch has to know of them. Internal to
// play/.

#include <map>
#include <vector>

#include "harness/play/world.h"
#include "harness/target/target.h"

namespace sockdrill {

struct ServerAddress {
  Transport transport = Transport::tcp;
  Family family = Family::ipv4;
  std::uint16_t port = 0;
  std::string path;  ///< AF_UNIX, as *we* reach it
};

class ClientSockets final {
 public:
  /// `stage` outlives this. `epoll` gets every socket, edge-triggered.
  ClientSockets(const Stage& stage, Fd epoll) : stage_(stage), epoll_(epoll) {}

  void set_server(ServerAddress server) { server_ = std::move(server); }

  SysResult<SocketId> open(const SocketRequest& request);
  SysResult<void> connect(SocketId socket, const std::string& to);
  SysResult<std::size_t> send(SocketId socket, std::string_view octets, bool urgent);
  SysResult<std::size_t> send_to(SocketId socket, std::string_view octets, const std::string& to);
  SysResult<ReceivedPiece> receive(SocketId socket, char* buffer, std::size_t size);
  SysResult<void> shutdown(SocketId socket, Shutdown::How how);
  void close(SocketId socket, bool is_abortive);
  Errno error_of(SocketId socket);
  SocketAddress local_address(SocketId socket);
  bool is_servers(const SocketAddress& from) const;
  bool is_all_read(SocketId socket, const RestReport& rest);

  /// For the watch; sockets that are closed stay until forget_closed().
  [[nodiscard]] const std::vector<ClientSocket>& all() const { return sockets_; }
  /// After a rest: the server has nothing left of those that we have closed.
  void forget_closed();

 private:
  ClientSocket& of(SocketId socket);
  SysResult<void> prepare(Fd fd, const SocketRequest& request) const;
  [[nodiscard]] Result<SocketAddress> address_of(const std::string& to) const;

  const Stage& stage_;
  Fd epoll_;
  ServerAddress server_;
  int next_id_ = 1;
  std::vector<ClientSocket> sockets_;
  std::map<SocketId, std::size_t> index_;
  std::map<SocketId, OwnedFd> fds_;
};

}  // namespace sockdrill
