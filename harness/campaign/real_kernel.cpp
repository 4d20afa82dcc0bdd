#include "harness/campaign/real_kernel.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/suite/select.h"

namespace sockdrill {

namespace fs = std::filesystem;

namespace {

/// What is wrong with what the very first client got to see; nullptr: nothing.
const Finding* first_unserved(const Verdict& verdict) {
  const auto found = std::ranges::find_if(verdict.findings, [](const Finding& finding) {
    return finding.grade == Grade::fail && finding.client == "warm-up";
  });
  return found == verdict.findings.end() ? nullptr : &*found;
}

}  // namespace

std::string RealKernel::why_not_fuzzed(const Target& target, Nanoseconds patience,
                                       const std::atomic<bool>& interrupted) const {
  Scenario nothing{.id = "fuzz/start", .summary = "A server is started, and serves one client"};
  nothing.steps.push_back({.what = ServerStep{Settled{}}, .note = "", .pointer = ""});
  Caps caps = calibrated_caps();
  caps.start = std::min(caps.start, patience);
  const RunResult result = play(nothing, "fuzz/start.json", target, caps, interrupted);
  if (const Finding* const unserved = first_unserved(result.verdict))
    return fmt::format("{} (expected {}, and there was {})", sockdrill::serves_nobody(target),
                       unserved->expected, unserved->actual);
  if (!result.verdict.did_not_start || !result.recording) return {};
  const std::vector<Event>& events = result.recording->events;
  const auto why = std::ranges::find(events, Kind::not_listening, &Event::kind);
  return fmt::format("the server does not listen where it was told to: {}",
                     why == events.end() ? result.verdict.reason : why->text);
}

RunResult RealKernel::play(const Scenario& scenario, const std::string& file, const Target& target,
                           const Caps& caps, const std::atomic<bool>& interrupted) const {
  Result<Document> document = parse_document(write_scenario(scenario).dump(2), file);
  if (!document) return {};
  Result<Check> check = read_check(std::move(*document));
  if (!check) return {};
  return run_one(home_, installation_, *check, target, SuiteOptions{}, caps,
                 [&] { return interrupted.load(); });
}

Verdict RealKernel::play(const FuzzFinding& finding, const Target& target,
                         const std::atomic<bool>& interrupted) const {
  const Result<std::vector<Check>> checks =
      select_checks(installation_, {finding.folder + "/scenario.json"});
  if (!checks || checks->size() != 1)
    return Verdict{.grade = Grade::error, .findings = {}, .reason = "its scenario cannot be read"};
  return run_one(home_, installation_, checks->front(), target, SuiteOptions{}, calibrated_caps(),
                 [&] { return interrupted.load(); })
      .verdict;
}

std::optional<bool> RealKernel::fails(const Verdict& verdict) {
  switch (verdict.grade) {
    case Grade::fail:
      return true;
    case Grade::pass:
    case Grade::info:
    case Grade::warn:
    case Grade::known:
      return false;
    default:
      return std::nullopt;
  }
}

bool RealKernel::serves_nobody(const Verdict& verdict) {
  return first_unserved(verdict) != nullptr;
}

std::string serves_nobody(const Target& target) {
  const std::string& name = target.speaks.name;
  return fmt::format("{}: it was taken to speak {}{}; is --speaks right?", kServesNobody,
                     name.empty() ? "what the dialogue says" : name,
                     name == "echo" ? ", which is the default" : "");
}

std::string RealKernel::look_at(const FuzzFinding& finding, const Target& target,
                                const std::atomic<bool>& interrupted) const {
  const Result<std::vector<Check>> checks =
      select_checks(installation_, {finding.folder + "/scenario.json"});
  if (checks && checks->size() == 1 && checks->front().first.needs_simulated_kernel())
    return "it takes a failing call or a schedule, for which only the simulated kernel can be "
           "asked";
  const Verdict verdict = play(finding, target, interrupted);
  const std::optional<bool> is_there = fails(verdict);
  if (!is_there) return fmt::format("not decided on the real kernel: {}", verdict.reason);
  return *is_there ? "the real kernel shows a failure, too"
                   : "only the simulated kernel shows it: on the real one the same scenario passes";
}

Result<void> complete_finding(const FuzzFinding& finding, const std::string& was) {
  TRY_VOID(write_finding_summary(finding));
  const std::string name_before = fs::path(was).filename().string().substr(1);
  for (const char* name : {"scenario.json", "recording.jsonl", "report.txt"}) {
    const std::string file = finding.folder + "/" + name;
    std::string text = read_file(file).value_or("");
    replace_all(text, was, finding.folder);
    replace_all(text, "found/" + name_before, "found/" + finding.name);
    if (file.ends_with(".txt"))
      text = fmt::format("{}\nseverity: {}\n{}\n\n{}", diagnosis_of(finding.suspicion),
                         severity_name(severity_of(finding.suspicion)), finding.real, text);
    if (const auto written = write_file(file, text); !written)
      return fail(describe(written.error()), file);
  }
  return {};
}

}  // namespace sockdrill
