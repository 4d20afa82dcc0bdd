#pragma once

// Walking along a recording: what each client has said and heard, what the server has done.
// Internal to judge/.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/judge/judge.h"
#include "harness/plan/expectation.h"

namespace sockdrill {

/// One client, as far as events tell of it.
struct ClientSoFar {
  SentStream sent;  ///< on this connection
  Content received;
  std::size_t messages_sent = 0;
  std::size_t messages_received = 0;
  SentSoFar since;                  ///< since the last expectation that was met
  Heard heard;                      ///< not yet used up
  std::set<std::string> strangers;  ///< senders of datagrams that were not asked
  bool has_finding = false;
};

/// Everything a rule needs to know while it looks at one event.
struct Walk {
  const Plan& plan;
  const Recording& recording;
  std::map<std::string, ClientSoFar> clients;
  std::size_t at = 0;  ///< the event
  int case_index = 0;
  std::vector<Finding> findings;

  [[nodiscard]] const Event& event() const { return recording.events[at]; }
  [[nodiscard]] Grade grade_of_level() const;
  Finding& add(std::string rule, Grade grade, std::string headline);
};

/// What a server may hold beyond its memory in use: a sanitizer keeps what was freed in quarantine
/// (AddressSanitizer: quarantine_size_mb, 256 by default). Such a server is known by its shadow.
std::uint64_t quarantine_of(const Resources& resources);
/// step_ended events: what the step's own outcome says.
void judge_step(Walk& walk, const PlannedStep& step,
                const std::vector<std::size_t>& events_of_step);
/// The rules that hold after every check.
void judge_invariants(Walk& walk);
/// What a conversation as a whole may not hold: replies nobody asked for, octets that are no echo.
void judge_conversation(Walk& walk, const std::string& client);

}  // namespace sockdrill
