#pragma once

// The world of the ground-truth tests: a fresh network namespace, one server that tells the truth,
// clients, and neighbours that burn CPU time.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/base/fd.h"
#include "harness/watch/truth/truth.h"
#include "harness/watch/watch.h"

namespace sockdrill::truth {

/// Moves the process, once, into a network namespace of its own. Not empty: why that cannot be.
std::string enter_fresh_network();

/// A NETLINK_SOCK_DIAG socket of the namespace that we are in.
OwnedFd open_diag();

/// Child processes that do nothing but compete for the CPU.
class Burners final {
 public:
  explicit Burners(int count);
  ~Burners();
  Burners(const Burners&) = delete;
  Burners& operator=(const Burners&) = delete;

 private:
  std::vector<pid_t> pids_;
};

class Server final {
 public:
  /// `transport` as truth_server.cpp has it.
  Server(const std::string& model, const std::string& transport);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Truth& truth() const { return *truth_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] Transport transport() const { return transport_; }
  /// The server and its descendants.
  [[nodiscard]] std::vector<pid_t> processes() const;

 private:
  std::string folder_;  ///< of the AF_UNIX path; removed at the end
  SocketAddress address_;
  Transport transport_ = Transport::tcp;
  OwnedFd memory_;
  Truth* truth_ = nullptr;
  pid_t pid_ = -1;
};

struct Client {
  ClientSocket socket;
  OwnedFd fd;
  std::uint64_t replies_due = 0;
};

/// One server, its clients and the watcher.
class World final {
 public:
  World(const std::string& model, const std::string& transport, WatchOptions options = {});

  [[nodiscard]] Server& server() { return server_; }
  [[nodiscard]] Watcher& watcher() { return watcher_; }
  [[nodiscard]] std::vector<Client>& clients() { return clients_; }
  [[nodiscard]] std::vector<ClientSocket> sockets() const;

  /// Returns once the server has its listener; false after 10 s.
  bool wait_for_listener();
  /// A connected client; `receive_buffer` 0 = the default.
  Client& connect(int receive_buffer = 0);
  void send(Client& client, std::size_t size);
  void shutdown(Client& client);
  void close(Client& client);
  void reset(Client& client);
  /// Reads what stands ready; the number of bytes.
  std::size_t drain(Client& client);

  /// SIGSTOP, and returns when every thread has stopped; false after the cap.
  bool stop();
  void resume();

  /// Looks until the server is at rest, or the cap for hangs has passed.
  RestReport settle();
  /// Looks until the rest is firm.
  RestReport settle_firmly();

  /// What settle() needed in all.
  std::uint64_t looks = 0;

 private:
  template <typename IsWanted>
  RestReport look_until(IsWanted is_wanted);

  Server server_;
  Watcher watcher_;
  std::vector<Client> clients_;
  int next_name_ = 0;
};

}  // namespace sockdrill::truth
