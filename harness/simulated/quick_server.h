#pragma once

// A server between one input and the next: it runs, rests, and is asked what must hold of it.
// Internal to simulated/.

#include <functional>
#include <optional>
#include <string>

#include "harness/simulated/quick_player.h"
#include "harness/simulated/server_view.h"
#include "harness/simulated/simulated_clients.h"

namespace sockdrill {

/// A virtual time in which every server that is going to answer has done so.
inline constexpr Nanoseconds kPatience = std::chrono::seconds(10);

/// What was found out about one input.
struct QuickVerdict {
  std::optional<Suspicion> suspicion;  ///< the first
  bool may_lose = false;  ///< a fault excuses a reply that does not come, or tells of it

  void suspect(const char* rule, std::string what) {
    if (!suspicion) suspicion = Suspicion{rule, std::move(what)};
  }
};

class QuickServer final {
 public:
  /// All outlive this.
  QuickServer(sim::Simulation& simulation, const Target& target, const ServerView& view,
              const sim::Process& clients_process);
  ~QuickServer();
  QuickServer(const QuickServer&) = delete;
  QuickServer& operator=(const QuickServer&) = delete;

  /// It listens afterwards. The error: why it does not.
  Result<void> start(const ServerAddress& where);
  /// What it holds now is what it may hold.
  void take_baseline();
  [[nodiscard]] bool is_alive() const { return pid_ > 0 && !death_; }
  [[nodiscard]] const std::optional<ExitStatus>& death() const { return death_; }

  /// Lets it run until it sleeps for long; one that spins gets its share of time and no more.
  void rest();
  /// Whether it came to that in a virtual time.
  bool await(const std::function<bool()>& is_enough, Nanoseconds patience);
  void pass(Nanoseconds time) { scheduler_.run_until(kernel_.now() + time, {}); }
  /// Whatever TCP keeps of connections that are over is gone.
  void forget_connections();
  [[nodiscard]] Nanoseconds now() const { return kernel_.now(); }

  /// Of the heap, by all its processes.
  [[nodiscard]] std::uint64_t held_octets() const;
  [[nodiscard]] bool is_stopped() const;
  void signal_all(int number);

  /// `asked`: octets that clients have sent, for which it may be at work.
  void look_for_spin(QuickVerdict& verdict, std::uint64_t asked);
  /// Input that can be read, output that can be sent, and everything sleeps. Only where no other
  /// client can be meant to come first.
  void look_for_stall(QuickVerdict& verdict);
  /// More than before the input.
  void look_for_growth(QuickVerdict& verdict);

 private:
  sim::Simulation& simulation_;
  sim::Scheduler& scheduler_;
  sim::Kernel& kernel_;
  const Target& target_;
  const ServerView& view_;
  const sim::Process& clients_process_;
  pid_t pid_ = -1;
  std::optional<ExitStatus> death_;
  Resources baseline_;
};

}  // namespace sockdrill
