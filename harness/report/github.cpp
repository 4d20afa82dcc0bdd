// GitHub Actions: workflow commands on standard output, which it turns into annotations, and the
// job summary, in Markdown.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
//
// An annotation is shown beside a file of the repository, so it names one of the user's own where
// there is one: their scenario at its step, or else their manifest or script.

#include <filesystem>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/report/paint.h"
#include "harness/report/report.h"
#include "harness/report/script.h"
#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

// A step's summary may have 1 MiB; what is larger is refused as a whole.
constexpr std::size_t kMostExplained = 600'000;
constexpr std::size_t kMostSummaryRows = 500;

/// Of the text of a command; of its properties, ':' and ',' too.
std::string escape(const std::string& text, bool is_property) {
  std::string escaped;
  for (const char c : text) {
    const bool is_special = c == '%' || c == '\r' || c == '\n';
    if (is_special || (is_property && (c == ':' || c == ',')))
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      escaped += c;
  }
  return escaped;
}

std::string escape_html(const std::string& text) {
  std::string escaped;
  for (const char c : text)
    escaped += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return escaped;
}

/// In Markdown, every punctuation mark of ASCII may stand behind a '\'.
std::string escape_markdown(const std::string& text) {
  std::string escaped;
  for (const char c : visible(text)) {
    if (std::string_view("\\`*_{}[]()<>#+!|~&$@").find(c) != std::string_view::npos)
      escaped += '\\';
    escaped += c;
  }
  return escaped;
}

struct Place {
  std::string file;
  std::size_t line = 0;  ///< 0: of the file as a whole
  std::size_t column = 0;
};

class Github final : public Reporter {
 public:
  Github(Sink write, Sink summary, GithubOptions options)
      : write_(std::move(write)), summary_(std::move(summary)), options_(std::move(options)) {}

  void begin(std::size_t /*runs*/, std::size_t /*checks*/, std::size_t /*targets*/) override {}

  void add(const RunResult& result) override {
    const Grade grade = result.verdict.grade;
    const bool is_error = grade == Grade::fail || grade == Grade::error;
    if (!is_error && grade != Grade::unknown && grade != Grade::warn) return;
    if (!told_.insert({result.check, result.target, grade}).second) return;
    annotate(result, is_error ? "error" : "warning");
    add_row(result);
    if (is_error || grade == Grade::unknown) add_explanation(result);
  }

  void end(const Totals& totals, int exit_code, bool interrupted) override {
    std::string text = fmt::format("## sockdrill: {}\n\n{} in {}: {}. Exit code {}: {}.\n",
                                   interrupted ? "interrupted" : exit_code_meaning(exit_code),
                                   count_of(totals.run, "run"), duration(totals.took),
                                   counts(totals), exit_code, exit_code_meaning(exit_code));
    if (!rows_.empty())
      text += "\n| | check | server | what was seen |\n|---|---|---|---|\n" + rows_;
    if (number_of_rows_ > kMostSummaryRows)
      text += fmt::format("\nAnd {} more.\n", with_separators(number_of_rows_ - kMostSummaryRows));
    summary_(text + explanations_ + "\n");
  }

 private:
  [[nodiscard]] std::filesystem::path whole(const std::string& file) const {
    return (std::filesystem::path(options_.working_directory) / file).lexically_normal();
  }

  /// From the workspace on; as it is where it stands outside.
  [[nodiscard]] std::string named_from_workspace(const std::string& file) const {
    if (options_.workspace.empty()) return file;
    const std::filesystem::path path = whole(file).lexically_relative(options_.workspace);
    return path.empty() || *path.begin() == ".." ? file : path.string();
  }

  [[nodiscard]] Place place_of(const RunResult& result) const {
    if (result.is_bundled_check && !result.server_file.empty())
      return {.file = named_from_workspace(result.server_file), .line = 1};
    Place place{.file = named_from_workspace(result.scenario_file)};
    const std::vector<Finding>& findings = result.verdict.findings;
    if (findings.empty() || findings[0].pointer.empty()) return place;
    const ScriptExcerpt excerpt =
        show_script(result.scenario_file, result.scenario_text, findings[0].pointer, Paint(false));
    place.line = excerpt.line;
    place.column = excerpt.column;
    return place;
  }

  void annotate(const RunResult& result, const char* command) {
    const Place place = place_of(result);
    std::string properties;
    const auto add_property = [&](const char* name, const std::string& value) {
      if (!value.empty())
        properties += fmt::format("{}{}={}", properties.empty() ? " " : ",", name,
                                  escape(visible(value), true));
    };
    add_property("file", place.file);
    add_property("line", place.line == 0 ? "" : fmt::format("{}", place.line));
    add_property("col", place.column == 0 ? "" : fmt::format("{}", place.column));
    add_property("title", fmt::format("{} {} on {}", to_string(result.verdict.grade), result.check,
                                      result.target));
    write_(fmt::format("::{}{}::{}\n", command, properties, escape(message_of(result), false)));
  }

  static std::string message_of(const RunResult& result) {
    std::string text = sentence(visible(headline_of(result)));
    const auto add = [&](const char* label, const std::string& value) {
      if (!value.empty()) text += fmt::format("\n{}: {}", label, visible(value));
    };
    add("Requirement", result.summary);
    if (!result.verdict.findings.empty()) {
      const Finding& finding = result.verdict.findings[0];
      add("Expected", finding.expected);
      add("Actual", finding.actual);
      add("Source",
          fmt::format("{}",
                      fmt::join(finding.because.empty() ? result.source : finding.because, "; ")));
      add("Probably", finding.diagnosis);
    }
    add("Run it again", result.replay_command);
    return text;
  }

  void add_row(const RunResult& result) {
    if (++number_of_rows_ > kMostSummaryRows) return;
    rows_ += fmt::format("| {} | {} | {} | {} |\n", to_string(result.verdict.grade),
                         escape_markdown(result.check), escape_markdown(result.target),
                         escape_markdown(sentence(headline_of(result))));
  }

  /// Everything that is known of it, folded up.
  void add_explanation(const RunResult& result) {
    const std::string text = fmt::format(
        "\n<details><summary>{} {} on {}</summary>\n\n<pre>\n{}</pre>\n\n</details>\n",
        to_string(result.verdict.grade), escape_html(visible(result.check)),
        escape_html(visible(result.target)), escape_html(visible_lines(explain(result, false))));
    if (explanations_.size() + text.size() <= kMostExplained) explanations_ += text;
  }

  Sink write_;
  Sink summary_;
  GithubOptions options_;
  std::set<std::tuple<std::string, std::string, Grade>> told_;
  std::string rows_;
  std::size_t number_of_rows_ = 0;
  std::string explanations_;
};

}  // namespace

std::unique_ptr<Reporter> make_github_reporter(Sink write, Sink summary, GithubOptions options) {
  return std::make_unique<Github>(std::move(write), std::move(summary), std::move(options));
}

}  // namespace sockdrill
