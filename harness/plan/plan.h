#pragma once

// Scenario x target -> plan: checked, expanded, payloads resolved, fields drawn. It fails here or
// never. Pure.
//
// A plan is blocks in order; the scripts of a block run side by side (one script of one step for an
// ordinary step, one script a client for a crowd). Repeats are unrolled, exchanges are taken apart
// into a send and an expectation, a cut at every offset into one exchange an offset. Every step has
// an id of its own, in the order of the text.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harness/scenario/content.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

/// An outcome with nothing left open.
struct PlannedOutcome {
  Outcome::What what = Outcome::What::unsaid;
  Content content;           ///< octets, message
  bool is_sent = false;      ///< message: "=sent"
  Template reply;            ///< reply
  FieldValues values;        ///< reply: the fields of the request it answers
  std::uint64_t number = 0;  ///< at_least
  Then then = Then::unsaid;
  bool is_warning = false;
  std::string because;
};

struct PlannedSend {
  Content content;
  std::vector<std::uint64_t> cuts;  ///< rising offsets; the server is settled between the pieces
  /// From one cut to the next, as offsets.
  struct Piece {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  [[nodiscard]] std::size_t pieces() const { return cuts.size() + 1; }
  [[nodiscard]] Piece piece(std::size_t index) const {
    return {index > 0 ? cuts[index - 1] : 0, index < cuts.size() ? cuts[index] : content.size()};
  }
  bool urgent = false;
  bool until_blocked = false;
  bool reads_meanwhile = true;
  std::string to;
  Errno fails;  ///< 0: it must not fail by our own kernel's word
};

struct PlannedExpect {
  std::vector<PlannedOutcome> one_of;
  std::optional<std::uint64_t> within_ms;
};

struct PlannedRun {
  std::vector<std::string> command;
  Content input;
  std::optional<int> exit;
  std::optional<Content> output;
};

using PlannedAction = std::variant<Connect, Open, PlannedSend, PlannedExpect, Shutdown, Close,
                                   Reset, Drain, Read, PlannedRun, ServerAction>;

struct PlannedStep {
  int id = 0;
  std::string client;  ///< "" for the server's steps
  PlannedAction action;
  std::string pointer;  ///< where it stands in the scenario; "" for steps of ours (probe)
  std::string text;  ///< the step in one line, for people: `a: send 70,000 bytes of pattern a___`
};

using Script = std::vector<PlannedStep>;

struct Block {
  std::vector<Script> scripts;
  std::size_t at_once = 1;  ///< how many scripts run at a time
};

struct CasePlan {
  Bindings bindings;
  std::vector<Block> blocks;
  Script probe;  ///< a fresh exchange on a fresh connection, played after the case (client "probe")
};

struct Plan {
  Scenario scenario;  ///< of the first case: the head is the same in all
  Target target;
  std::uint64_t seed = 0;
  std::vector<CasePlan> cases;
  Script warm_up;  ///< the probe before the baseline (client "warm-up")
  bool needs_broadcast_link = false;
  bool needs_low_ports = false;      ///< a step starts the server on a port it has no right to
  bool needs_process_limit = false;  ///< a step limits the server's processes
  std::string left_out;  ///< why cases were left out for this target, if any were: "its field
                         ///< 'text' takes 1 to 64 octets, not 127"
};

/// Why a check is not for a target ("it is for tcp, this one listens on udp"); nothing when it is.
std::optional<std::string> why_not(const Scenario& scenario, const Target& target);

struct PlanOptions {
  std::uint64_t seed = 1;
  Bindings only;         ///< `--set size=512`: only the cases that agree with these
  std::string base_dir;  ///< where `file` payloads are looked up: the scenario's folder
};

/// Whether a case has all the values that are asked for.
bool agrees(const Bindings& bindings, const Bindings& only);

/// The error carries the place in the scenario. A case that the target's bounds leave out is left
/// out; if all are, the plan has no cases, and `left_out` says why.
Result<Plan> make_plan(const Check& check, const Target& target, const PlanOptions& options);
/// The same of a scenario that stands in no file, as its only case; the steps have no text for
/// people, which costs more than all the rest.
Result<Plan> make_plan(const Scenario& scenario, const Target& target, const PlanOptions& options);

/// Steps that can never run, whatever the target: a client used before it is there or after it
/// closed, a wait for rest while the server is stopped, an end with the server stopped ... Part of
/// `lint`, and of make_plan(), which knows the transport: only a datagram client may send
/// without a "connect".
Result<void> check_steps(const Check& check, std::optional<Transport> transport = std::nullopt);
/// The same of one scenario, as it was read from `document`.
Result<void> check_steps(const Scenario& scenario, const Document& document,
                         std::optional<Transport> transport);

/// `a: send 70,000 bytes of pattern a___ from 0`.
std::string describe(const PlannedStep& step);
/// The plan as text, one line a step: what would be done.
std::string describe(const Plan& plan);
/// Says each step in words, where make_plan() has left that out.
void describe_steps(Plan& plan);
/// All there are: the warm-up, then each case's and its probe. They are the plan's.
std::vector<Script*> scripts_of(Plan& plan);
std::vector<const Script*> scripts_of(const Plan& plan);
/// The steps of all cases, in their order; neither warm-up nor probes. They are the plan's.
std::vector<const PlannedStep*> steps_of(const Plan& plan);
/// The step of an id; it exists.
const PlannedStep& step_of(const Plan& plan, int id);

}  // namespace sockdrill
