#pragma once

// One server with the fuzzer preloaded, in a stage of its own: it fuzzes, or explains a finding,
// until it ends.

#include <memory>
#include <optional>
#include <string>

#include "harness/fuzzer/fuzz_request.h"
#include "harness/play/target_launch.h"
#include "harness/stage/stage.h"

namespace sockdrill {

class Worker final {
 public:
  /// Starts it. `request` without the place: that is ours to say. `library`: libsockdrill-fuzz.so.
  static Result<std::unique_ptr<Worker>> start(const Home& home, FuzzRequest request,
                                               const Placeholders& places,
                                               const std::string& library);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Takes in, without blocking, what it has said; nothing: it goes on.
  std::optional<ExitStatus> ended();
  /// Readable when there may be something to take in.
  [[nodiscard]] Fd news() const;
  [[nodiscard]] FuzzCounters counters() const;
  /// What it wrote to stderr: libFuzzer's lines, then what was found.
  [[nodiscard]] std::string said() const;
  /// What it wrote to its standard output: of a scenario that was to be played, what it shows.
  [[nodiscard]] std::string told() const;

 private:
  Worker() = default;
  std::unique_ptr<Stage> stage_;
  StageProcess* process_ = nullptr;
  const FuzzCounters* counters_ = nullptr;  ///< mapped
};

}  // namespace sockdrill
