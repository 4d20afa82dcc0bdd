// TAP, with what its version 14 says of escapes:
// https://testanything.org/tap-version-14-specification.html
//
// It calls itself version 13, which is all that we need of it: Perl's readers refuse what is newer.

#include <utility>

#include <fmt/format.h>

#include "harness/report/report.h"
#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

/// In a description or a reason, '#' begins a directive and '\' escapes.
std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : visible(text))
    escaped += c == '#' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return escaped;
}

/// A JSON string is a YAML scalar.
std::string yaml(const std::string& text) {
  return Json(visible(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Tap final : public Reporter {
 public:
  explicit Tap(Sink write) : write_(std::move(write)) {}

  void begin(std::size_t runs, std::size_t /*checks*/, std::size_t /*targets*/) override {
    write_(fmt::format("TAP version 13\n1..{}{}\n", runs,
                       runs == 0 ? " # SKIP nothing was selected" : ""));
    runs_ = runs;
  }

  void add(const RunResult& result) override {
    const Grade grade = result.verdict.grade;
    const bool is_ok = grade == Grade::pass || grade == Grade::warn || grade == Grade::info ||
                       grade == Grade::skip;
    std::string line = fmt::format("{} {} - {} on {}", is_ok ? "ok" : "not ok", ++number_,
                                   escape(result.check), escape(result.target));
    if (grade == Grade::skip) line += " # SKIP " + escape(headline_of(result));
    if (grade == Grade::known) line += " # TODO " + escape(result.verdict.reason);
    line += "\n";
    if (grade != Grade::pass && grade != Grade::skip) line += diagnostics(result);
    write_(line);
  }

  void end(const Totals& /*totals*/, int /*exit_code*/, bool interrupted) override {
    if (interrupted)
      write_("Bail out! interrupted\n");
    else if (number_ < runs_)
      write_("Bail out! stopped before all were run\n");
  }

 private:
  static std::string diagnostics(const RunResult& result) {
    std::string text = "  ---\n";
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) text += fmt::format("  {}: {}\n", key, yaml(value));
    };
    add("message", headline_of(result));
    add("grade", to_string(result.verdict.grade));
    add("level", to_string(result.level));
    if (!result.verdict.findings.empty()) {
      const Finding& finding = result.verdict.findings[0];
      add("rule", finding.rule);
      add("expected", finding.expected);
      add("actual", finding.actual);
      add("source", fmt::format("{}", fmt::join(finding.because, "; ")));
      add("diagnosis_name", finding.diagnosis_name);
      add("diagnosis", finding.diagnosis);
    }
    add("replay", result.replay_command);
    add("recording", result.artifact);
    return text + "  ...\n";
  }

  Sink write_;
  std::size_t runs_ = 0;
  std::size_t number_ = 0;
};

}  // namespace

std::unique_ptr<Reporter> make_tap_reporter(Sink write) {
  return std::make_unique<Tap>(std::move(write));
}

}  // namespace sockdrill
