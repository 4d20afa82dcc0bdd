#pragma once

// Our clients' sockets in the real world, and what the watch has to know of them. Internal to
// play/.

#include <map>
#include <vector>

#include "harness/play/server_address.h"
#include "harness/play/world.h"
#include "harness/target/target.h"

namespace sockdrill {

class ClientSockets final : public Sockets {
 public:
  /// `stage` outlives this. `epoll` gets every socket, edge-triggered.
  ClientSockets(const Stage& stage, Fd epoll) : stage_(stage), epoll_(epoll) {}

  void set_server(ServerAddress server) { server_ = std::move(server); }

  SysResult<SocketId> open(const SocketRequest& request) override;
  SysResult<void> connect(SocketId socket, const std::string& to) override;
  SysResult<std::size_t> send(SocketId socket, std::string_view octets, bool urgent) override;
  SysResult<std::size_t> send_to(SocketId socket, std::string_view octets,
                                 const std::string& to) override;
  SysResult<ReceivedPiece> receive(SocketId socket, char* buffer, std::size_t size) override;
  SysResult<void> shutdown(SocketId socket, Shutdown::How how) override;
  void close(SocketId socket) override { end(socket, false); }
  void reset(SocketId socket) override { end(socket, true); }
  Errno error_of(SocketId socket) override;
  SocketAddress local_address(SocketId socket) override { return of(socket).local; }
  bool is_servers(const SocketAddress& from) override { return is_of(server_, from); }
  bool is_all_read(SocketId socket, const RestReport& rest) override {
    return is_read_of(server_, of(socket).inode, rest);
  }

  /// For the watch; sockets that are closed stay until forget_closed().
  [[nodiscard]] const std::vector<ClientSocket>& all() const { return sockets_; }
  /// After a rest: the server has nothing left of those that we have closed.
  void forget_closed();

 private:
  void end(SocketId socket, bool is_abortive);
  ClientSocket& of(SocketId socket);
  SysResult<void> prepare(Fd fd, const SocketRequest& request) const;

  const Stage& stage_;
  Fd epoll_;
  ServerAddress server_;
  int next_id_ = 1;
  std::vector<ClientSocket> sockets_;
  std::map<SocketId, std::size_t> index_;
  std::map<SocketId, OwnedFd> fds_;
};

}  // namespace sockdrill
