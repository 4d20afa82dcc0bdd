#include "harness/report/summary.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostEntries = 50;  // of a grade; the reports in files have all of them
constexpr std::size_t kMostReasons = 8;

}  // namespace

void Summary::add(const RunResult& result) {
  const Verdict& verdict = result.verdict;
  if (verdict.grade == Grade::pass) return;
  if (verdict.grade == Grade::skip) {
    skips_[headline_of(result)] += 1;
    return;
  }
  std::vector<Entry>& entries = entries_[verdict.grade];
  const auto same = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) {
    return e.check == result.check && e.target == result.target;
  });
  if (same != entries.end()) {
    same->count += 1;
    return;
  }
  const bool is_known = verdict.grade == Grade::known && !verdict.reason.empty();
  entries.push_back({.check = result.check,
                     .target = result.target,
                     .headline = is_known ? verdict.reason : headline_of(result),
                     .replay_command = result.replay_command});
}

void Summary::write_group(std::string& out, Grade grade, const char* title,
                          const Paint& paint) const {
  const auto found = entries_.find(grade);
  if (found == entries_.end()) return;
  const std::vector<Entry>& entries = found->second;
  out += fmt::format("\n{}\n", paint.graded(grade, title));
  const bool is_to_act_on =
      grade == Grade::fail || grade == Grade::error || grade == Grade::unknown;
  for (std::size_t i = 0; i < std::min(entries.size(), kMostEntries); ++i) {
    const Entry& entry = entries[i];
    const std::string times = entry.count == 1 ? "" : fmt::format(" ({} times)", entry.count);
    out += fmt::format("  {} on {}{}\n", paint.bold(visible(entry.check)), visible(entry.target),
                       times);
    add_wrapped(out, "      ", sentence(visible(entry.headline)));
    if (is_to_act_on && !entry.replay_command.empty())
      out += fmt::format("      {}\n", visible(entry.replay_command));
  }
  if (entries.size() > kMostEntries)
    out += fmt::format("  and {} more\n", with_separators(entries.size() - kMostEntries));
}

void Summary::write_skips(std::string& out, const Paint& paint) const {
  if (skips_.empty()) return;
  std::vector<std::pair<std::size_t, std::string>> reasons;
  for (const auto& [reason, count] : skips_) reasons.emplace_back(count, reason);
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  out += fmt::format("\n{}\n", paint.graded(Grade::skip, "Skipped, because"));
  for (std::size_t i = 0; i < std::min(reasons.size(), kMostReasons); ++i)
    add_wrapped(out, fmt::format("  {:>6}  ", with_separators(reasons[i].first)),
                visible(reasons[i].second));
  if (reasons.size() > kMostReasons)
    out += fmt::format("          and {} more reasons (--verbose tells them all)\n",
                       reasons.size() - kMostReasons);
}

std::string Summary::write(const Totals& totals, int exit_code, const Paint& paint) const {
  std::string out = fmt::format("{} in {}: {}\n", count_of(totals.run, "run"),
                                duration(totals.took), counts(totals));
  write_group(out, Grade::fail, "Failed (run one again with the line below it)", paint);
  write_group(out, Grade::error, "In error: nothing is said about the server", paint);
  write_group(out, Grade::unknown, "Unknown: neither passed nor failed", paint);
  write_group(out, Grade::warn, "With a warning: passed, but not as it should be", paint);
  write_group(out, Grade::info, "For information: not judged, for want of a declaration", paint);
  write_group(out, Grade::known, "Known to fail, because", paint);
  write_skips(out, paint);
  out += fmt::format("\nExit code {}: {}.\n", exit_code, exit_code_meaning(exit_code));
  return out;
}

}  // namespace sockdrill
