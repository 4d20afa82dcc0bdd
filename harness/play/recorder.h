#pragma once

// Puts events onto the timeline, with the time at which they became known.

#include "harness/play/world.h"
#include "harness/recording/recording.h"

namespace sockdrill {

class Recorder final {
 public:
  /// Both outlive the recorder.
  Recorder(World& world, std::vector<Event>& events) : world_(world), events_(events) {}

  /// `event.at` is filled in. The reference is good until the next add().
  Event& add(Event event) {
    event.at = world_.now();
    events_.push_back(std::move(event));
    return events_.back();
  }
  Event& client(Kind kind, const std::string& who, int step) {
    return add(Event{.lane = Lane::client, .kind = kind, .who = who, .step = step});
  }
  Event& server(Kind kind, int step, Instance instance = Instance::first) {
    return add(Event{.lane = Lane::server,
                     .kind = kind,
                     .who = instance == Instance::first ? "server" : "second",
                     .step = step});
  }
  Event& harness(Kind kind, int step = -1) {
    return add(Event{.lane = Lane::harness, .kind = kind, .step = step});
  }

 private:
  World& world_;
  std::vector<Event>& events_;
};

}  // namespace sockdrill
