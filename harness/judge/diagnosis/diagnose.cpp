// Which rule, if any.

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/diagnosis/evidence.h"

namespace sockdrill {

namespace {

/// A run may fail a thousand times in the same way.
constexpr std::size_t kMostDiagnosed = 12;

bool is_about_the_server(const Finding& finding) {
  return finding.grade == Grade::fail || finding.grade == Grade::warn ||
         finding.grade == Grade::info;
}

std::size_t place_of(const Finding& finding) {
  return finding.evidence.empty() ? SIZE_MAX : finding.evidence.back();
}

bool is_first_of_its_case(const std::vector<Finding>& findings, const Finding& finding) {
  return std::none_of(findings.begin(), findings.end(), [&](const Finding& other) {
    return other.case_index == finding.case_index && place_of(other) < place_of(finding);
  });
}

void diagnose_one(const std::vector<DiagnosisRule>& rules, const Evidence& evidence,
                  Finding& finding) {
  const DiagnosisRule* fitting = nullptr;
  std::string seen;
  for (const DiagnosisRule& rule : rules) {
    const Found found = rule.find(evidence);
    if (!found) continue;
    if (fitting != nullptr) return;  // Two causes fit.
    fitting = &rule;
    seen = *found;
  }
  if (fitting == nullptr) return;
  finding.diagnosis_name = fitting->name;
  finding.diagnosis = fmt::format("{}: {} ({})", seen, fitting->defect, fitting->source);
}

}  // namespace

std::vector<DiagnosisRule> diagnosis_rules() {
  std::vector<DiagnosisRule> rules;
  for (const std::span<const DiagnosisRule> theme :
       {rules_of_deaths(), rules_of_spins(), rules_of_holdings(), rules_of_waiting(),
        rules_of_streams(), rules_of_ends(), rules_of_datagrams(), rules_of_starts_and_stops()})
    rules.insert(rules.end(), theme.begin(), theme.end());
  return rules;
}

std::string describe_diagnoses() {
  std::string text = "| name | the defect | the evidence | source |\n|---|---|---|---|\n";
  for (const DiagnosisRule& rule : diagnosis_rules())
    text +=
        fmt::format("| `{}` | {} | {} | {} |\n", rule.name, rule.defect, rule.needs, rule.source);
  return text;
}

void diagnose(const Plan& plan, const Recording& recording, std::vector<Finding>& findings) {
  const std::vector<DiagnosisRule> rules = diagnosis_rules();
  std::size_t diagnosed = 0;
  for (Finding& finding : findings) {
    if (!is_about_the_server(finding) || ++diagnosed > kMostDiagnosed) continue;
    const Evidence evidence(plan, recording, finding, is_first_of_its_case(findings, finding));
    diagnose_one(rules, evidence, finding);
  }
}

}  // namespace sockdrill
