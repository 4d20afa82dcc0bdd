#include "harness/campaign/unconfirmed.h"

#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/fuzz/compact.h"
#include "harness/fuzzer/fuzz_request.h"
#include "harness/scenario/scenario.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// Each takes the time of a trial with thousands of inputs before it.
constexpr unsigned kMostTries = 8;

/// "found-0123..." of "w1-found-0123...": whose job it was says nothing.
std::string name_of_input(const std::string& file) {
  const std::string name = fs::path(file).filename();
  return name.substr(name.find('-') + 1);
}

bool is_death(const Suspicion& suspicion) {
  return suspicion.rule == "crash" || suspicion.rule == "invariant/alive";
}

}  // namespace

void Unconfirmed::saw(const Suspicion& suspicion) {
  One& one = all_[identity_of(suspicion)];
  one.suspicion = suspicion;
  ++one.times;
}

void Unconfirmed::note(const Suspicion& suspicion, const std::string& input) {
  One& one = all_[identity_of(suspicion)];
  one.suspicion = suspicion;
  one.input = input;
  one.names.insert(name_of_input(input));
  ++one.tries;
}

bool Unconfirmed::was_tried(const Suspicion& suspicion, const std::string& input) {
  const auto one = all_.find(identity_of(suspicion));
  if (one == all_.end() || !one->second.names.contains(name_of_input(input))) return false;
  ++one->second.tries;
  return true;
}

bool Unconfirmed::is_open(const Suspicion& suspicion) const {
  const auto one = all_.find(identity_of(suspicion));
  return one == all_.end() || one->second.tries < kMostTries;
}

void Unconfirmed::confirm(const Suspicion& suspicion) { all_.erase(identity_of(suspicion)); }

Result<std::vector<FuzzFinding>> Unconfirmed::write(const CampaignFolder& folder,
                                                    const Target& target) const {
  std::vector<FuzzFinding> findings;
  for (const auto& [identity, one] : all_) {
    if (one.input.empty() || !is_death(one.suspicion)) continue;
    const SysResult<std::string> form = read_file(one.input);
    if (!form) return fail(describe(form.error()), one.input);
    FuzzFinding finding{.name = name_of_finding(one.suspicion),
                        .suspicion = one.suspicion,
                        .stack = {},
                        .needs_history = true,
                        .real = fmt::format("not confirmed: seen {}, and not in a clean process",
                                            count_of(one.times, "time")),
                        .is_confirmed = false};
    finding.folder = folder.findings() + "/" + finding.name;
    Scenario scenario = decode(*form, target, kInputBudget);
    scenario.id = "found/" + finding.name;
    scenario.summary = one.suspicion.rule + ": " + one.suspicion.what;
    const std::string report = fmt::format(
        "{}\nseverity: {}\n{}\n\nThe last input that showed it is scenario.json; it and those "
        "before it are\n  {}\n  {}{}\n\n"
        "It depends on what they have left behind, in memory above all. A server that is built "
        "with AddressSanitizer\n(fuzz/README.md) tells of the first wrong access, and needs "
        "nothing before it.\n",
        diagnosis_of(one.suspicion), severity_name(severity_of(one.suspicion)), finding.real,
        one.input, one.input, kHistoryEnding);
    const Json summary{
        {"rule", one.suspicion.rule}, {"what", one.suspicion.what}, {"needs_history", true}};
    std::error_code error;
    fs::create_directories(finding.folder, error);
    for (const auto& [name, text] :
         {std::pair("scenario.json", write_scenario_file(scenario)),
          std::pair("server.json", write_target(target).dump(2) + "\n"),
          std::pair("report.txt", report), std::pair("finding.json", summary.dump(2) + "\n")}) {
      const std::string file = finding.folder + "/" + name;
      if (const auto written = write_file(file, text); !written)
        return fail(describe(written.error()), file);
    }
    TRY_VOID(write_finding_summary(finding));
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace sockdrill
