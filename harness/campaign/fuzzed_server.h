#pragma once

// A target as campaigns start it. Internal to campaign/.

#include <string>
#include <vector>

#include "harness/campaign/worker.h"
#include "harness/suite/installation.h"

namespace sockdrill {

class FuzzedServer final {
 public:
  /// The error: nothing can be preloaded into it, or this build has nothing to preload.
  static Result<FuzzedServer> of(const Home& home, const Installation& installation,
                                 const Target& target);

  /// `words`: for libFuzzer, or of a trial; `known`: identities that are passed over; `lines`: as a
  /// request's.
  [[nodiscard]] Result<std::unique_ptr<Worker>> start(std::vector<std::string> words,
                                                      std::vector<std::string> known,
                                                      std::string lines = "") const;
  [[nodiscard]] const Target& target() const { return target_; }

 private:
  FuzzedServer(const Home& home, Target target) : home_(home), target_(std::move(target)) {}

  const Home& home_;
  Target target_;
  Placeholders places_;
  std::string library_;
};

/// Waits for its end; nothing: interrupted, or it took longer than `cap`.
std::optional<ExitStatus> wait_for(Worker& worker, Nanoseconds cap,
                                   const std::atomic<bool>& interrupted);

/// The last line that says why it gave up; "" without one.
std::string complaint_in(const std::string& said);

}  // namespace sockdrill
