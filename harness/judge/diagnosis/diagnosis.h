#pragma once

// From a finding and the recording to the defect that is behind it, in plain words. Pure.
//
// One rule a kind of defect. A rule finds its evidence or says nothing; when the evidence fits two
// rules, nothing is said at all: a wrong diagnosis costs more than none.

#include <span>

#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"
#include "harness/recording/recording.h"

namespace sockdrill {

class Evidence;

/// What was seen, as a clause that begins a sentence; nothing when the evidence is not there.
using Found = std::optional<std::string>;

struct DiagnosisRule {
  const char* name;    ///< stable: "edge-trigger-read-once"
  const char* needs;   ///< the evidence, in words
  const char* defect;  ///< what is wrong, and what would be right
  const char* source;
  Found (*find)(const Evidence& evidence);
};

/// All rules, theme by theme.
std::vector<DiagnosisRule> diagnosis_rules();
/// The same as a table in Markdown: what README.md of this folder shows.
std::string describe_diagnoses();

/// Fills in `diagnosis` and `diagnosis_name` where the evidence allows.
void diagnose(const Plan& plan, const Recording& recording, std::vector<Finding>& findings);

// The themes, a file each.
std::span<const DiagnosisRule> rules_of_deaths();
std::span<const DiagnosisRule> rules_of_spins();
std::span<const DiagnosisRule> rules_of_holdings();
std::span<const DiagnosisRule> rules_of_waiting();
std::span<const DiagnosisRule> rules_of_streams();
std::span<const DiagnosisRule> rules_of_ends();
std::span<const DiagnosisRule> rules_of_datagrams();
std::span<const DiagnosisRule> rules_of_starts_and_stops();

}  // namespace sockdrill
