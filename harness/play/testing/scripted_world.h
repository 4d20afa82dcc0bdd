#pragma once

// A world of which only time, readiness, rest and samples exist, for the tests of the loop and of
// what watches beside it. Time is virtual: it passes when somebody waits.

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>

#include "harness/play/world.h"

namespace sockdrill::testing {

class ScriptedWorld final : public World {
 public:
  std::multimap<Nanoseconds, Ready> readiness;  ///< when which socket becomes ready
  std::deque<RestReport> looks;                 ///< what each look sees; then the last one again
  std::size_t looked = 0;
  /// What the server holds and has consumed by then.
  std::function<Resources(Nanoseconds)> sampled;

  Nanoseconds now() override { return now_; }
  std::vector<Ready> wait(Nanoseconds until) override {
    if (!readiness.empty()) until = std::min(until, readiness.begin()->first);
    now_ = std::max(now_, until);
    std::vector<Ready> ready;
    while (!readiness.empty() && readiness.begin()->first <= now_) {
      ready.push_back(readiness.begin()->second);
      readiness.erase(readiness.begin());
    }
    return ready;
  }
  RestReport look() override {
    ++looked;
    now_ += std::chrono::microseconds(100);  // a look costs something
    if (looks.empty()) return RestReport{};
    const RestReport report = looks.front();
    if (looks.size() > 1) looks.pop_front();
    return report;
  }

  // The loop asks for nothing else.
  Sockets& sockets() override { never(); }
  Result<void> start(Instance, const StartOptions&, Deadline) override { never(); }
  std::optional<ExitStatus> exited(Instance) override { never(); }
  Listening listening(Scope) override { never(); }
  SysResult<void> signal(Instance, int) override { never(); }
  void signal_all(int) override { never(); }
  bool is_stopped() override { never(); }
  Resources sample() override { return sampled(now_); }
  std::uint64_t descriptor_limit() override { never(); }
  SysResult<void> limit_descriptors(std::uint64_t) override { never(); }
  SysResult<void> reach_process_limit(bool) override { never(); }
  void set_output_read(bool) override { never(); }
  void set_faults(const std::vector<Fault>&, const Schedule&) override { never(); }
  std::vector<Fault> take_struck() override { never(); }
  std::uint64_t dropped_datagrams() override { never(); }
  pid_t pid_of(Instance) override { never(); }
  std::vector<std::string> left_over() override { never(); }
  std::vector<std::string> describe_tasks() override { never(); }
  Snapshot observe() override { never(); }
  OutputTail output_of(Instance, bool) override { never(); }
  void kill_all(Deadline) override { never(); }
  Result<int> start_program(const std::vector<std::string>&, const Bytes&) override { never(); }
  std::optional<ProgramResult> program_result(int) override { never(); }

 private:
  [[noreturn]] static void never() { std::abort(); }

  Nanoseconds now_{0};
};

}  // namespace sockdrill::testing
