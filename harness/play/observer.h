#pragma once

// Puts a snapshot of the server onto the timeline where something has not ended well: facts for the
// judge's diagnosis.

#include "harness/play/recorder.h"

namespace sockdrill {

class Observer final {
 public:
  /// Both outlive it.
  Observer(World& world, Recorder& recorder) : world_(world), recorder_(recorder) {}

  /// `why`: as the step ended ("unmet", "deadline"; "done" where only the judge knows whether it
  /// went well), or "restless", or "grown". A crowd may fail a thousand times; the first failures
  /// tell enough.
  void note(const std::string& why, int step) {
    if (left_ == 0 || world_.exited(Instance::first)) return;
    --left_;
    Event& event = recorder_.server(Kind::observed, step);
    event.text = why;
    event.snapshot = world_.observe();
  }

 private:
  World& world_;
  Recorder& recorder_;
  int left_ = 20;
};

}  // namespace sockdrill
