#pragma once

// What the tests of the stage share: homes, launches, and waiting for causes instead of for time.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "harness/stage/stage.h"

namespace sockdrill::testing_stage {

enum class Mode { isolated, degraded };
inline std::string name_of(Mode mode) { return mode == Mode::isolated ? "Isolated" : "Degraded"; }
inline void PrintTo(Mode mode, std::ostream* out) { *out << name_of(mode); }

/// Entered once in a test program, while it has one thread.
inline const Home& entered(const Result<Home>& home) {
  EXPECT_TRUE(home) << to_string(home.error());
  return *home;
}
inline const Home& home_for(Mode mode) {
  if (mode == Mode::isolated) {
    static const Result<Home> isolated = enter_home(true);
    return entered(isolated);
  }
  static const Result<Home> degraded = enter_home(false);
  return entered(degraded);
}

/// Of the Mode parameter: open stages in the world that it names, or skip and say why.
class StageTest : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    if (GetParam() == Mode::isolated && !home().isolated) GTEST_SKIP() << home().why_degraded;
    stage_ = open();
  }
  [[nodiscard]] static const Home& home() { return home_for(GetParam()); }
  [[nodiscard]] static std::unique_ptr<Stage> open(const StageOptions& options = {}) {
    auto opened = Stage::open(home(), options);
    EXPECT_TRUE(opened) << to_string(opened.error());
    return opened ? std::move(*opened) : nullptr;
  }
  [[nodiscard]] Stage& stage() { return *stage_; }
  StageProcess& start(const Launch& launch);
  /// Of a process that ends by itself.
  std::string output_of(const Launch& launch);

 private:
  std::unique_ptr<Stage> stage_;
};

/// A cap for hangs, not a verdict on speed.
inline Deadline generous() { return Deadline::after(std::chrono::seconds(60)); }

inline Launch shell(const std::string& script) { return {.command = {"/bin/sh", "-c", script}}; }

/// Pumps whenever something has happened, until the condition holds. False at the deadline.
inline bool wait_for(Stage& stage, const std::function<bool()>& condition) {
  const Deadline deadline = generous();
  stage.pump();
  while (!condition()) {
    if (deadline.has_passed()) return false;
    // Conditions that are no news of the stage are looked at again after 10 ms.
    stage.wait(Deadline::after(std::chrono::milliseconds(10)));
  }
  return true;
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

inline StageProcess& StageTest::start(const Launch& launch) {
  return testing_stage::start(stage(), launch);
}

inline std::string StageTest::output_of(const Launch& launch) {
  StageProcess& process = start(launch);
  wait_for_end(stage(), process);
  return process.out.text() + process.err.text();
}

/// Waits for the line that the actor prints once it listens, or the like.
inline void wait_for_output(Stage& stage, const StageProcess& process, const std::string& text) {
  EXPECT_TRUE(wait_for(stage, [&] { return process.out.text().find(text) != std::string::npos; }))
      << process.out.text() << process.err.text();
}

/// stage_actor beside the test program.
inline Launch actor(std::vector<std::string> arguments) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  arguments.insert(arguments.begin(), (self.parent_path() / "stage_actor").string());
  return {.command = std::move(arguments)};
}

/// The name that /proc has for a process.
inline std::string command_of(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/comm");
  return text ? text->substr(0, text->find('\n')) : "";
}

}  // namespace sockdrill::testing_stage

/// Runs the tests of a suite derived from StageTest with namespaces and without.
#define SOCKDRILL_IN_BOTH_MODES(suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(                                                                       \
      Mode, suite, testing::Values(testing_stage::Mode::isolated, testing_stage::Mode::degraded), \
      [](const auto& mode) { return testing_stage::name_of(mode.param); })
#define SOCKDRILL_ISOLATED_ONLY(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(Mode, suite, testing::Values(testing_stage::Mode::isolated), \
                           [](const auto& mode) { return testing_stage::name_of(mode.param); })
#define SOCKDRILL_DEGRADED_ONLY(suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(Mode, suite, testing::Values(testing_stage::Mode::degraded), \
                           [](const auto& mode) { return testing_stage::name_of(mode.param); })
