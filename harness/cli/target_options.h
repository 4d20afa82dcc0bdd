#pragma once

// The options that say which server: shared by run, plan and replay.

#include "harness/cli/command.h"
#include "harness/suite/select.h"

namespace sockdrill {

struct TargetOptions {
  std::vector<std::string> targets;
  std::string exec;
  std::string speaks = "echo";
  std::string over = "tcp";
  int port = 0;
  std::string declares;

  void add_to(CLI::App& app);
  /// The targets meant. The error is about an option.
  [[nodiscard]] Result<std::vector<Target>> select(const Installation& installation) const;
  /// The options again, for the line that repeats a run; "" when bundled targets were named.
  [[nodiscard]] std::string repeat() const;
};

/// `size=512` pairs of --set; a value is JSON when it reads as JSON, text otherwise.
Result<Bindings> read_bindings(const std::vector<std::string>& pairs);

}  // namespace sockdrill
