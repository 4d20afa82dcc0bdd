#pragma once

// Our clients' sockets in the simulated world: sockets of a process of their own, called directly.
// Internal to simulated/.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/play/server_address.h"
#include "harness/play/world.h"
#include "harness/sim/kernel/epoll.h"
#include "harness/sim/kernel/kernel.h"
#include "harness/sim/kernel/sockets.h"
#include "harness/target/target.h"

namespace sockdrill {

/// One of them, closed or not; what the server still has to do with a closed one shows at the
/// server.
struct SimulatedClient {
  sim::Ref<sim::Socket> socket;
  SocketAddress local;
  std::uint64_t sent_bytes = 0;
  bool is_established = false;
};

class SimulatedClients final : public Sockets {
 public:
  /// `process` is theirs; it and the kernel outlive this.
  SimulatedClients(sim::Process& process, ServerAddress server);
  /// Resets whatever is open.
  ~SimulatedClients() override;
  SimulatedClients(const SimulatedClients&) = delete;
  SimulatedClients& operator=(const SimulatedClients&) = delete;

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
    return is_read_of(server_, of(socket).socket->inode(), rest);
  }

  /// Those that have become ready, edge by edge.
  std::vector<Ready> take_ready();
  /// Whether take_ready() would find any: perhaps, but never falsely none.
  [[nodiscard]] bool may_be_ready() const { return epoll_->has_listed(); }

  /// All are closed, and nobody asks for one of them any more: the next has the first number again,
  /// and what is kept by number does not grow from input to input.
  void forget_numbers();

  [[nodiscard]] const std::map<SocketId, SimulatedClient>& all() const { return clients_; }
  [[nodiscard]] const ServerAddress& server() const { return server_; }

 private:
  void end(SocketId socket, bool is_abortive);
  SimulatedClient& of(SocketId socket);
  SysResult<void> prepare(sim::Socket& socket, const SocketRequest& request);
  SysResult<std::size_t> send_message(SimulatedClient& client, std::string_view octets, int flags,
                                      const SocketAddress* to);

  sim::Process& process_;
  ServerAddress server_;
  sim::Ref<sim::EpollFile> epoll_;
  int next_id_ = 1;
  std::map<SocketId, SimulatedClient> clients_;
};

}  // namespace sockdrill
