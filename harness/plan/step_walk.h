#pragma once

// Which steps can run, one after another: each client and the server walk through their states.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/scenario/scenario.h"

namespace sockdrill {

/// Why a step can never run, and where it stands.
struct StepProblem {
  std::string pointer;
  std::string message;
};
using Walked = tl::expected<void, StepProblem>;

/// A value: a copy goes on from here on its own.
class StepWalk final {
 public:
  /// May clients send that have not connected? Those of datagrams may; without a transport, those
  /// of a check that applies to datagrams.
  StepWalk(const Applies& applies, std::optional<Transport> transport);

  /// What stands after the step. A step of a client or of the server that cannot run changes
  /// nothing; a crowd or a repeat may have been walked in part.
  Walked add(const Step& step);
  Walked add(const std::vector<Step>& steps);
  /// What is wrong when the script ends here.
  [[nodiscard]] Walked end(const std::string& pointer) const;

 private:
  enum class ClientPhase { absent, open, write_closed, closed };
  static bool is_open(ClientPhase phase) {
    return phase == ClientPhase::open || phase == ClientPhase::write_closed;
  }

  Walked repeat(const RepeatStep& step);
  Walked crowd(const CrowdStep& step, const std::string& pointer);
  Walked client(const std::string& name, const ClientAction& action, const std::string& pointer);
  [[nodiscard]] tl::expected<ClientPhase, std::string> phase_after(
      const std::string& name, ClientPhase phase, const ClientAction& action) const;
  Walked server(const ServerAction& action, const std::string& pointer);

  bool may_be_datagram_ = false;
  bool is_stopped_ = false;
  bool has_ended_ = false;
  std::map<std::string, ClientPhase> phases_;
  std::set<std::string> crowds_;
};

}  // namespace sockdrill
