#pragma once

// Tells a server that spins from one that works or waits: by the CPU time that it has consumed
// while nothing came of it. Consumed, not elapsed: a busy machine does not make a working server
// look like that.

#include "harness/play/loop.h"
#include "harness/play/recorder.h"

namespace sockdrill {

/// Samples that many may share: a crowd asks often, the server is looked at four times a second.
class Sampler final {
 public:
  explicit Sampler(World& world) : world_(world) {}
  const Resources& recent() {
    if (!last_ || world_.now() - at_ > std::chrono::milliseconds(240)) {
      last_ = world_.sample();
      at_ = world_.now();
    }
    return *last_;
  }
  /// Once it has been seen to spin, little is enough to see it again.
  [[nodiscard]] Nanoseconds enough() const {
    return has_spun ? Nanoseconds(std::chrono::milliseconds(200))
                    : Nanoseconds(std::chrono::seconds(2));
  }
  bool has_spun = false;

 private:
  World& world_;
  Nanoseconds at_{0};
  std::optional<Resources> last_;
};

class SpinWatch final {
 public:
  /// Begins to count now. All outlive it.
  SpinWatch(Sampler& sampler, World& world, Loop& loop)
      : sampler_(sampler), world_(world), loop_(loop) {
    restart();
  }

  /// Something came of it: counts anew.
  void restart() {
    began_ = loop_.now();
    first_.reset();
  }
  /// When to look again, at the latest.
  [[nodiscard]] Nanoseconds next_look() const {
    return loop_.now() + std::chrono::milliseconds(250);
  }
  /// Samples the server; true once it has consumed enough to be sure.
  bool spins() {
    const Resources& now = sampler_.recent();
    if (holds_more(now)) first_.reset();  // It takes clients in, or has children: that is work.
    if (!first_) {
      first_ = now;
      began_ = loop_.now();
    }
    last_ = now;
    const bool does = now.ran - first_->ran >= sampler_.enough();
    sampler_.has_spun = sampler_.has_spun || does;
    return does;
  }
  /// restless, and the share of a CPU that it took, running or waiting for one.
  void record(Recorder& recorder, int step) {
    std::string tasks;
    for (const std::string& task : world_.describe_tasks())
      tasks += (tasks.empty() ? "" : "; ") + task;
    recorder.harness(Kind::restless, step).text = tasks;
    const Nanoseconds wall =
        std::max<Nanoseconds>(loop_.now() - began_, std::chrono::milliseconds(1));
    const Nanoseconds busy = (last_.ran - first_->ran) + (last_.runnable - first_->runnable);
    Event& event = recorder.harness(Kind::measured_quiet, step);
    event.number = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, busy.count() * 1000 / (wall.count() / 1000)));
    event.text =
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
  }

 private:
  /// More than ever in this watch, which therefore ends some day.
  bool holds_more(const Resources& now) {
    const int held = now.descriptors + now.threads + now.processes;
    if (held <= most_held_) return false;
    most_held_ = held;
    return true;
  }

  Sampler& sampler_;
  World& world_;
  Loop& loop_;
  int most_held_ = 0;
  Nanoseconds began_{0};
  std::optional<Resources> first_;
  Resources last_;
};

}  // namespace sockdrill
