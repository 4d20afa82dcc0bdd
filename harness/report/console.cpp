// What a person at a terminal, or a reader of a pipeline's log, sees.

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "harness/report/paint.h"
#include "harness/report/report.h"
#include "harness/report/summary.h"
#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

constexpr std::size_t kWidth = 96;
constexpr std::size_t kProgressWidth = 79;

/// How a target has done so far.
struct Tally {
  Totals totals;
  std::vector<std::string> failed;  ///< ids, each once
  bool is_told = false;
};

class Console final : public Reporter {
 public:
  Console(Sink write, ConsoleOptions options)
      : write_(std::move(write)), options_(options), paint_(options.color) {}

  void begin(std::size_t runs, std::size_t checks, std::size_t targets) override {
    runs_ = runs;
    // Only when every target has as many can it be known that one is done.
    runs_of_target_ =
        targets != 0 && checks != 0 && runs % (checks * targets) == 0 ? runs / targets : 0;
    say(fmt::format("{}: {} on {}\n", count_of(runs, "run"), count_of(checks, "check"),
                    count_of(targets, "target")));
    draw_progress("");
  }

  void add(const RunResult& result) override {
    totals_.add(result);
    summary_.add(result);
    Tally& tally = tally_of(result.target);
    tally.totals.add(result);
    note_failure(result, tally);
    std::string text = tell(result);
    if (tally.totals.run == runs_of_target_) text += target_line(result.target, tally);
    if (!text.empty()) say(text);
    draw_progress(fmt::format("{} on {}", visible(result.check), visible(result.target)));
  }

  void end(const Totals& totals, int exit_code, bool interrupted) override {
    std::string text;
    for (const std::string& target : order_) {
      if (!tallies_[target].is_told) text += target_line(target, tallies_[target]);
    }
    if (!text.empty() || !ends_with_rule_) text += rule();
    if (interrupted)
      text += fmt::format("Interrupted after {} of {}.\n", with_separators(totals.run),
                          count_of(runs_, "run"));
    say(text + summary_.write(totals, exit_code, paint_));
  }

 private:
  Tally& tally_of(const std::string& target) {
    const auto [at, is_new] = tallies_.try_emplace(target);
    if (is_new) order_.push_back(target);
    return at->second;
  }

  static bool is_bad(Grade grade) { return grade == Grade::fail || grade == Grade::error; }

  static void note_failure(const RunResult& result, Tally& tally) {
    if (!is_bad(result.verdict.grade)) return;
    for (const std::string& id : tally.failed) {
      if (id == result.check) return;
    }
    tally.failed.push_back(result.check);
  }

  std::string tell(const RunResult& result) {
    const Grade grade = result.verdict.grade;
    const bool is_first = told_.insert({result.check, result.target}).second;
    if (is_bad(grade) && is_first) return frame(explain(result, options_.color));
    if (is_bad(grade) || options_.verbose) return one_line(result);
    const bool needs_words =
        grade == Grade::warn || grade == Grade::unknown || grade == Grade::info;
    return needs_words && is_first ? explain_briefly(result) : "";
  }

  [[nodiscard]] std::string one_line(const RunResult& result) const {
    const Grade grade = result.verdict.grade;
    const std::string why = grade == Grade::pass ? "" : ": " + visible(headline_of(result));
    const std::string text = fmt::format("{} on {}, {}{}", visible(result.check),
                                         visible(result.target), duration(result.took), why);
    return fmt::format("{}  {}\n", paint_.graded(grade, fmt::format("{:7}", to_string(grade))),
                       shorten(text, 2 * kWidth));
  }

  [[nodiscard]] std::string explain_briefly(const RunResult& result) const {
    const Grade grade = result.verdict.grade;
    const std::string name = fmt::format("{:7}", to_string(grade));
    std::string text = fmt::format("{}  {} on {}\n", paint_.graded(grade, name),
                                   paint_.bold(visible(result.check)), visible(result.target));
    const auto add = [&](const char* label, const std::string& words) {
      if (!words.empty()) add_wrapped(text, fmt::format("         {}", label), words, kWidth);
    };
    add("", sentence(visible(headline_of(result))));
    if (!result.verdict.findings.empty()) {
      const Finding& finding = result.verdict.findings[0];
      add("expected  ", visible(finding.expected));
      add("actual    ", visible(finding.actual));
      add("source    ", visible(fmt::format("{}", fmt::join(finding.because, "; "))));
      add("probably  ", visible(finding.diagnosis));
      if (result.verdict.reason != finding.headline)
        add("because   ", visible(result.verdict.reason));
    }
    if (!result.replay_command.empty())
      text += fmt::format("         again     {}\n", visible(result.replay_command));
    return text;
  }

  std::string target_line(const std::string& target, Tally& tally) const {
    tally.is_told = true;
    const Totals& t = tally.totals;
    const Grade grade = t.failed != 0                      ? Grade::fail
                        : t.errors != 0                    ? Grade::error
                        : t.unknown != 0                   ? Grade::unknown
                        : t.warned != 0                    ? Grade::warn
                        : t.passed + t.known + t.info == 0 ? Grade::skip
                                                           : Grade::pass;
    std::string text = fmt::format("{}  {:32} {}, {}\n",
                                   paint_.graded(grade, fmt::format("{:7}", to_string(grade))),
                                   visible(target), counts(t), duration(t.took));
    std::string failed;
    for (const std::string& id : tally.failed) failed += (failed.empty() ? "" : ", ") + visible(id);
    if (!failed.empty()) add_wrapped(text, "         failed: ", failed, kWidth);
    return text;
  }

  [[nodiscard]] std::string rule() const {
    std::string line;
    for (std::size_t i = 0; i < kWidth; ++i) line += "─";
    return paint_.dim(line) + "\n";
  }

  /// Between rules, of which neighbours share one.
  [[nodiscard]] std::string frame(const std::string& text) const {
    return (ends_with_rule_ ? "" : rule()) + text + rule();
  }

  /// Writes lines that stay, above the progress line.
  void say(const std::string& text) {
    if (std::exchange(has_progress_, false)) write_("\r\x1b[K");
    write_(text);
    ends_with_rule_ = text.ends_with(rule());
  }

  void draw_progress(const std::string& what) {
    if (!options_.progress) return;
    std::string text = fmt::format("[{}/{}] ", totals_.run, runs_);
    const std::size_t bad = totals_.failed + totals_.errors;
    if (bad != 0) text += fmt::format("{} failed  ", with_separators(bad));
    write_("\r\x1b[K" + shorten(text + what, kProgressWidth));
    has_progress_ = true;
  }

  Sink write_;
  ConsoleOptions options_;
  Paint paint_;
  std::size_t runs_ = 0;
  std::size_t runs_of_target_ = 0;  ///< 0: not known
  Totals totals_;
  Summary summary_;
  std::map<std::string, Tally> tallies_;
  std::vector<std::string> order_;
  std::set<std::pair<std::string, std::string>> told_;  ///< check, target
  bool has_progress_ = false;
  bool ends_with_rule_ = false;
};

}  // namespace

std::unique_ptr<Reporter> make_console_reporter(Sink write, ConsoleOptions options) {
  return std::make_unique<Console>(std::move(write), options);
}

}  // namespace sockdrill
