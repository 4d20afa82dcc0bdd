#pragma once

// The server as the model knows it: what `watch` finds out about a real one from outside. Internal
// to simulated/.

#include <optional>
#include <string>
#include <vector>

#include "harness/sim/tasks/scheduler.h"
#include "harness/simulated/simulated_clients.h"
#include "harness/watch/rest.h"

namespace sockdrill {

class ServerView final {
 public:
  /// All outlive this. Every process of the kernel but init and the clients' one is the server's.
  ServerView(sim::Scheduler& scheduler, const sim::Process& clients_process,
             const SimulatedClients& clients);

  /// Those that live.
  [[nodiscard]] std::vector<sim::Process*> processes() const;
  [[nodiscard]] RestReport look();
  [[nodiscard]] Resources sample() const;
  [[nodiscard]] Snapshot observe() const;
  [[nodiscard]] std::vector<std::string> describe_tasks() const;
  [[nodiscard]] std::vector<Listener> listeners() const;
  /// Whether a thread runs, or would if it had not used up its time for now.
  [[nodiscard]] bool is_running() const;
  /// A connection (or a datagram socket) of which something waits to be read, though every thread
  /// sleeps and nothing holds up what the server sends there: which, and what. Of a server that may
  /// serve one client after another only its only connection counts. `most`: the connections it
  /// serves at a time, if it says so.
  [[nodiscard]] std::optional<std::string> stalled(bool serves_all_at_once,
                                                   std::optional<std::uint64_t> most) const;

 private:
  struct Mark {
    std::uint64_t sleeps = 0;
    std::uint64_t calls = 0;
  };
  [[nodiscard]] std::vector<sim::Socket*> sockets_of(const sim::Process& process) const;
  [[nodiscard]] std::string where_it_sleeps() const;
  [[nodiscard]] Standing standing() const;
  void judge(const sim::Socket& socket, Standing& standing) const;
  void note_unread(const sim::Socket* client, Standing& standing) const;
  [[nodiscard]] TaskView see(const sim::Task& task);
  [[nodiscard]] Nanoseconds now() const { return scheduler_.kernel().now(); }

  sim::Scheduler& scheduler_;
  const sim::Process& clients_process_;
  const SimulatedClients& clients_;
  std::uint64_t fingerprint_ = 0;
  Nanoseconds resting_since_{0};
  std::map<pid_t, Mark> marks_;  ///< by thread: as of resting_since_
};

}  // namespace sockdrill
