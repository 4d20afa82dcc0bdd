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
  return std::ranges::any_of(verdict.findings, [](const Finding& finding) {
    return finding.grade == Grade::fail && finding.client == "warm-up";
  });
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
