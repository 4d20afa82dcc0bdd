#pragma once

// What the judge says. Plain values, for the reports.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/text.h"

namespace sockdrill {

/// KNOWN is a failure that the manifest expects, with its reason; it counts as passed, and turns to
/// FAIL when it no longer fails.
enum class Grade { pass, known, warn, info, skip, unknown, fail, error };
/// "PASS", "KNOWN" ...
std::string to_string(Grade grade);

/// Two octet strings that should have been the same, cut to the neighbourhood of the first
/// difference.
struct Difference {
  std::uint64_t at = 0;           ///< offset in the whole
  std::uint64_t window_from = 0;  ///< offset of the first octet below
  Bytes expected;
  Bytes actual;
};

/// What a broken expectation shows, where a diagnosis asks for it. Headlines are for people.
enum class Symptom {
  other,
  no_answer,       ///< the server has read everything, sleeps, and nothing came
  not_closed,      ///< the answer is right, and the connection stays open
  spins,           ///< a CPU is busy while nothing happens
  zombies,         ///< children that have ended are not waited for
  close_wait,      ///< connections whose clients are gone are kept
  descriptors,     ///< more of them than it may hold
  memory_unread,   ///< memory grows with what a client does not read
  second_lives,    ///< a second instance on the same address stays
  path_cut_off,    ///< one that was told a path without room for it stays
  refusal_unseen,  ///< one that cannot listen stays, or ends as if all were well
  port_unsaid,     ///< one that was told port 0 does not say which one it got
  does_not_end,    ///< the server lives on though it was told to end
};

/// One broken expectation or invariant, with the events that prove it.
struct Finding {
  std::string rule;  ///< "step", or "invariant/descriptors", "invariant/alive" ...
  Grade grade = Grade::fail;
  Symptom symptom = Symptom::other;
  std::string headline;  ///< one sentence: "the server closed before it had sent the whole reply:
                         ///< 8,192 of 70,000 bytes"
  std::string expected;  ///< in the script's notation
  std::string actual;
  std::vector<std::string> because;  ///< clauses
  std::string pointer;               ///< into the scenario; "" for invariants
  int step = -1;
  int case_index = 0;
  std::string client;  ///< whose step, if any
  std::optional<Difference> difference;
  std::vector<std::size_t> evidence;  ///< indices of events; the last is where it diverged
  std::string diagnosis_name;  ///< the rule of diagnosis/ that fits: "edge-trigger-read-once"
  std::string diagnosis;  ///< what the defect probably is, in plain words, with its source; "" when
                          ///< the evidence does not say
};

struct Verdict {
  Grade grade = Grade::pass;
  std::vector<Finding> findings;  ///< worst first
  std::string reason;  ///< SKIP: what is missing; KNOWN: the manifest's reason; UNKNOWN, ERROR: in
                       ///< a sentence
  int cases_played = 0;
  bool did_not_start = false;  ///< the server never came to listen (grade error; exit code 3)
};

}  // namespace sockdrill
