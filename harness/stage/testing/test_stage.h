#pragma once

// What the tests of the stage share: homes, launches, and waiting for causes instead of for time.

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <string>

#include "harness/stage/stage.h"

namespace sockdrill::testing_stage {

enum class Mode { isolated, degraded };
inline std::string name_of(Mode mode) { return mode == Mode::isolated ? "Isolated" : "Degraded"; }
inline void PrintTo(Mode mode, std::ostream* out) { *out << name_of(mode); }

/// Entered once in a test program, while it has one thread.
inline const Home& home_for(Mode mode) {
  static const Result<Home> isolated = enter_home(true);
  static const Result<Home> degraded = enter_home(false);
  const Result<Home>& home = mode == Mode::isolated ? isolated : degraded;
  EXPECT_TRUE(home) << to_string(home.error());
  return *home;
}

/// A cap for hangs, not a verdict on speed.
inline Deadline generous() { return Deadline::after(std::chrono::seconds(60)); }

inline Launch shell(const std::string& script) { return {.command = {"/bin/sh", "-c", script}}; }

/// Pumps whenever something has happened, until the condition holds. False at the deadline.
inline bool wait_for(Stage& stage, const std::function<bool()>& condition) {
  const Deadline deadline = generous();
  for (;;) {
    stage.pump();
    if (condition()) return true;
    if (deadline.has_passed()) return false;
    std::vector<pollfd> waits;
    for (const Fd fd : stage.descriptors()) waits.push_back({raw(fd), POLLIN, 0});
    // Conditions that no descriptor announces are looked at again after 10 ms.
    static_cast<void>(::poll(waits.data(), waits.size(), 10));
  }
}

inline void wait_for_end(Stage& stage, const StageProcess& process) {
  EXPECT_TRUE(wait_for(stage, [&process] { return process.exited.has_value(); }));
}

inline StageProcess& start(Stage& stage, const Launch& launch) {
  const Result<StageProcess*> started = stage.start(launch, generous());
  EXPECT_TRUE(started) << to_string(started.error());
  if (started) return **started;
  static StageProcess none;
  return none;
}

/// The name that /proc has for a process.
inline std::string command_of(pid_t pid) {
  const auto text = read_small_file("/proc/" + std::to_string(pid) + "/comm");
  return text ? text->substr(0, text->find('\n')) : "";
}

}  // namespace sockdrill::testing_stage
