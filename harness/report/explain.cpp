// One result that did not pass, so that it is understood without a second run.

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "harness/report/difference.h"
#include "harness/report/paint.h"
#include "harness/report/report.h"
#include "harness/report/script.h"
#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostOutputLines = 20;
constexpr std::size_t kMostOtherFindings = 4;
constexpr std::size_t kLabelWidth = 15;

std::string upper(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return word;
}

class Explanation final {
 public:
  Explanation(const RunResult& result, bool color) : result_(result), color_(color), paint_(color) {
    if (!result.verdict.findings.empty()) finding_ = &result.verdict.findings[0];
  }

  std::string write() {
    write_head();
    write_requirement();
    write_script();
    write_expected_and_actual();
    write_ladder();
    write_difference();
    write_diagnosis();
    write_other_findings();
    write_output();
    write_replay();
    return std::move(out_);
  }

 private:
  void write_head() {
    const std::string grade = to_string(result_.verdict.grade);
    out_ += fmt::format("{}  {} on {}{}\n\n", paint_.graded(result_.verdict.grade, grade),
                        paint_.bold(visible(result_.check)), visible(result_.target), case_words());
    add_wrapped(out_, "  ", sentence(visible(headline_of(result_))));
    if (result_.verdict.grade == Grade::unknown)
      out_ += "  This has neither passed nor failed: what was seen does not decide it.\n";
    out_ += "\n";
  }

  [[nodiscard]] std::string case_words() const {
    if (finding_ == nullptr || !result_.plan) return "";
    const auto index = static_cast<std::size_t>(std::max(finding_->case_index, 0));
    const std::vector<CasePlan>& cases = result_.plan->cases;
    if (index >= cases.size() || cases[index].bindings.empty()) return "";
    return fmt::format(", case {} of {}: {}", index + 1, cases.size(),
                       shorten(visible(to_string(cases[index].bindings)), 60));
  }

  static std::string head_of_label(const char* label) {
    return fmt::format("  {:{}}", label, kLabelWidth - 2);
  }

  /// On one line, however long: broken, a place cannot be copied or clicked.
  void add_place(const std::string& place) {
    out_ += paint_.dim(head_of_label("Script")) + place + "\n";
  }

  void add_labelled(const char* label, const std::string& text) {
    if (text.empty()) return;
    const std::string head = head_of_label(label);
    std::string lines;
    add_wrapped(lines, head, text);
    out_ += paint_.dim(lines.substr(0, head.size())) + lines.substr(head.size());
  }

  void write_requirement() {
    const bool is_invariant = finding_ != nullptr && finding_->rule.starts_with("invariant/");
    const std::string level = upper(to_string(result_.level));
    add_labelled("Requirement",
                 result_.summary.empty() ? level : level + ": " + visible(result_.summary));
    if (is_invariant)
      add_labelled("Rule", visible(finding_->rule) + ", which holds after every check");
    const bool has_own_source = finding_ != nullptr && !finding_->because.empty();
    add_labelled("Source",
                 visible(fmt::format(
                     "{}", fmt::join(has_own_source ? finding_->because : result_.source, "; "))));
  }

  void write_script() {
    if (result_.scenario_file.empty()) return;
    const std::string pointer = finding_ == nullptr ? "" : finding_->pointer;
    if (pointer.empty()) return add_place(visible(result_.scenario_file));
    const ScriptExcerpt excerpt =
        show_script(result_.scenario_file, result_.scenario_text, pointer, paint_);
    add_place(visible(excerpt.place));
    out_ += excerpt.lines;
  }

  void write_expected_and_actual() {
    if (finding_ == nullptr) return;
    add_labelled("Expected", visible(finding_->expected));
    add_labelled("Actual", visible(finding_->actual));
  }

  void add_title(const std::string& title) { out_ += "\n  " + paint_.bold(title) + "\n"; }

  void write_ladder() {
    if (!result_.recording || result_.recording->events.empty()) return;
    add_title("What happened");
    out_ +=
        draw_ladder(*result_.recording, result_.plan ? *result_.plan : Plan{}, finding_, color_);
    if (!result_.recording->is_whole) out_ += "            The recording breaks off here.\n";
  }

  [[nodiscard]] std::vector<std::string> clients() const {
    std::set<std::string> names;
    if (!result_.recording) return {};
    for (const Event& event : result_.recording->events) {
      if (event.lane == Lane::client) names.insert(event.who);
    }
    return {names.begin(), names.end()};
  }

  void write_difference() {
    if (finding_ == nullptr || !finding_->difference) return;
    const Difference& difference = *finding_->difference;
    if (difference.at == 0 && difference.actual.empty()) return;  // Nothing came: that is told.
    add_title(fmt::format("The first difference, at octet {}",
                          with_separators(static_cast<std::size_t>(difference.at))));
    out_ += draw_difference(difference, clients(), color_);
  }

  void write_diagnosis() {
    if (finding_ != nullptr && !finding_->diagnosis.empty()) {
      add_title("Probably");
      add_wrapped(out_, "    ", sentence(visible(finding_->diagnosis)));
    } else if (!result_.catches.empty() && result_.verdict.grade == Grade::fail) {
      add_title("Defects that this check is known to catch");
      add_wrapped(out_, "    ", sentence(visible(result_.catches)));
    }
  }

  /// Findings beside the first, in one line each; the same one in other rounds is counted only.
  void write_other_findings() {
    const std::vector<Finding>& findings = result_.verdict.findings;
    if (findings.size() < 2) return;
    std::vector<std::pair<std::string, std::size_t>> lines;
    for (std::size_t i = 1; i < findings.size(); ++i) {
      const bool is_same =
          findings[i].rule == finding_->rule && findings[i].headline == finding_->headline;
      const std::string line =
          fmt::format("{}  {}: {}", to_string(findings[i].grade), visible(findings[i].rule),
                      is_same ? "The same again." : sentence(visible(findings[i].headline)));
      const auto known =
          std::find_if(lines.begin(), lines.end(), [&](const auto& l) { return l.first == line; });
      if (known == lines.end())
        lines.emplace_back(line, 1);
      else
        known->second += 1;
    }
    add_title(count_of(findings.size() - 1, "more finding"));
    for (std::size_t i = 0; i < std::min(lines.size(), kMostOtherFindings); ++i) {
      const auto& [line, count] = lines[i];
      add_wrapped(out_, "    ", count == 1 ? line : fmt::format("{} ({} times)", line, count));
    }
    if (lines.size() > kMostOtherFindings)
      out_ += fmt::format("    and {} more\n", lines.size() - kMostOtherFindings);
  }

  void write_output() {
    if (result_.server_output.empty()) return;
    std::vector<std::string> lines = split(result_.server_output, '\n');
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    const std::size_t skipped = lines.size() - std::min(lines.size(), kMostOutputLines);
    add_title(skipped == 0 ? "The server's output"
                           : fmt::format("The server's output, last {} of {} lines",
                                         kMostOutputLines, lines.size()));
    for (std::size_t i = skipped; i < lines.size(); ++i)
      out_ += fmt::format("    | {}\n", shorten(visible(lines[i]), 90));
  }

  void write_replay() {
    if (!result_.replay_command.empty()) {
      add_title("Run it again");
      out_ += "    " + visible(result_.replay_command) + "\n";
    }
    if (result_.artifact.empty()) return;
    add_title("The whole recording");
    out_ += "    " + visible(result_.artifact) + "\n";
  }

  const RunResult& result_;
  bool color_;
  Paint paint_;
  const Finding* finding_ = nullptr;
  std::string out_;
};

}  // namespace

std::string explain(const RunResult& result, bool color) {
  return Explanation(result, color).write();
}

}  // namespace sockdrill
