#pragma once

// What happens to the server: launch, readiness, signals, limits, restarts, and what is expected of
// it, as coroutines.

#include "harness/play/scene.h"

namespace sockdrill {

class ServerSteps final {
 public:
  explicit ServerSteps(const Scene& scene) : scene_(scene) {}

  /// Starts the server and waits until it listens; false when it does not (recorded as
  /// not_listening).
  Task<bool> launch(int step, StartOptions options = {});
  /// Notes the first instance, if it runs already; false when it does not.
  bool take_over();
  /// Waits for rest; false when the cap was hit. Records it (rested or restless).
  Task<bool> settle(WantsRest wanted, int step);
  /// A sample of what the server holds, onto the timeline.
  Resources sample(const std::string& text, std::uint64_t round, int step);
  /// The share of a CPU that the server takes, running or waiting for one, over a window; parts per
  /// million.
  Task<std::uint64_t> measure_quiet(Nanoseconds window, int step);
  /// Sends the signal that the server declares, waits for its end; SIGKILL after the cap. Then
  /// whatever is left over is noted and killed.
  Task<void> stop(const std::string& signal, int step);
  Task<void> act(const PlannedStep& step);

  /// What to say of a server whose first process has ended while others of it live.
  std::string background_reason();
  /// The first instance has ended; the event has been recorded.
  bool has_ended(int step);
  /// A restart has made what was sampled before meaningless: a new baseline is due.
  bool needs_baseline = false;
  std::optional<Resources> baseline;

 private:
  Task<std::string> do_action(const ServerAction& action, int step);
  Task<std::string> stop_all_threads(int step);
  Task<std::string> restart(const Restart& restart, int step);
  Task<std::string> second(const Second& second, int step);
  /// Until the second instance has ended, or is known to live on.
  Task<void> watch_second(bool may_listen, const std::vector<std::string>& before);
  /// Where the server listens beside its place, but for those places.
  std::vector<std::string> listens_beside(const std::vector<std::string>& before);
  Task<std::string> limit(const Limit& limit, int step);
  std::string limit_processes(bool is_reached, int step);
  Task<std::string> expect(const ServerExpect& expect, int step);
  /// What is left of a server that has ended, if anything is after a second.
  Task<void> note_left_over(int step);
  /// Of a server that has ended: until nobody has its listener any more, for at most a second.
  Task<void> wait_for_listener_gone();
  Event& note_start(int step);
  void note_exit(Instance instance, int step);
  void note_output(Instance instance, int step);

  Scene scene_;
  bool is_exit_noted_ = false;
  std::optional<std::uint64_t> usual_limit_;
};

/// The number of a signal ("SIGTERM" -> 15).
int signal_number(const std::string& name);

}  // namespace sockdrill
