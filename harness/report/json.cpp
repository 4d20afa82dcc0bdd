// One JSON object for programs. README.md describes it; octets that are no text are hexadecimal.

#include <utility>

#include "harness/base/utf8.h"
#include "harness/base/version.h"
#include "harness/report/report.h"
#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

/// JSON can say every character; only what is no UTF-8 at all has to be spelled out.
std::string text_of(const std::string& text) { return is_utf8(text) ? text : visible_lines(text); }

Json list_of(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push_back(text_of(word));
  return list;
}

std::int64_t milliseconds(Nanoseconds span) { return span.count() / 1'000'000; }

Json write_finding(const Finding& finding) {
  Json json;
  json["rule"] = text_of(finding.rule);
  json["grade"] = to_string(finding.grade);
  json["headline"] = text_of(finding.headline);
  json["expected"] = text_of(finding.expected);
  json["actual"] = text_of(finding.actual);
  json["source"] = list_of(finding.because);
  json["pointer"] = text_of(finding.pointer);
  json["case"] = finding.case_index;
  if (!finding.client.empty()) json["client"] = text_of(finding.client);
  if (!finding.diagnosis_name.empty()) json["diagnosis_name"] = text_of(finding.diagnosis_name);
  if (!finding.diagnosis.empty()) json["diagnosis"] = text_of(finding.diagnosis);
  if (finding.difference) {
    Json& difference = json["difference"];
    difference["at"] = finding.difference->at;
    difference["from"] = finding.difference->window_from;
    difference["expected_hex"] = to_hex(finding.difference->expected);
    difference["actual_hex"] = to_hex(finding.difference->actual);
  }
  json["events"] = finding.evidence;
  return json;
}

/// The bindings of the case that the worst finding is about.
Json write_case(const RunResult& result) {
  Json bindings = Json::object();
  if (result.verdict.findings.empty() || !result.plan) return bindings;
  const auto index = static_cast<std::size_t>(std::max(result.verdict.findings[0].case_index, 0));
  if (index >= result.plan->cases.size()) return bindings;
  for (const auto& [name, value] : result.plan->cases[index].bindings) bindings[name] = value;
  return bindings;
}

Json write_result(const RunResult& result) {
  Json json;
  json["check"] = text_of(result.check);
  json["target"] = text_of(result.target);
  json["grade"] = to_string(result.verdict.grade);
  json["level"] = to_string(result.level);
  json["summary"] = text_of(result.summary);
  json["source"] = list_of(result.source);
  json["took_ms"] = milliseconds(result.took);
  if (result.plan) json["seed"] = result.plan->seed;
  json["cases_played"] = result.verdict.cases_played;
  json["case"] = write_case(result);
  if (!result.verdict.reason.empty()) json["reason"] = text_of(result.verdict.reason);
  json["findings"] = Json::array();
  for (const Finding& finding : result.verdict.findings)
    json["findings"].push_back(write_finding(finding));
  json["replay"] = text_of(result.replay_command);
  if (!result.artifact.empty()) json["recording"] = text_of(result.artifact);
  const bool shows_output = result.verdict.grade != Grade::pass && !result.server_output.empty();
  if (shows_output) json["server_output"] = text_of(result.server_output);
  return json;
}

Json write_totals(const Totals& totals) {
  Json json;
  json["run"] = totals.run;
  json["passed"] = totals.passed;
  json["failed"] = totals.failed;
  json["errors"] = totals.errors;
  json["unknown"] = totals.unknown;
  json["warned"] = totals.warned;
  json["known"] = totals.known;
  json["info"] = totals.info;
  json["skipped"] = totals.skipped;
  json["took_ms"] = milliseconds(totals.took);
  return json;
}

class JsonReporter final : public Reporter {
 public:
  explicit JsonReporter(Sink write) : write_(std::move(write)) {}

  void begin(std::size_t runs, std::size_t /*checks*/, std::size_t /*targets*/) override {
    planned_ = runs;
  }
  void add(const RunResult& result) override { results_.push_back(write_result(result)); }
  void end(const Totals& totals, int exit_code, bool interrupted) override {
    Json json;
    json["version"] = version();
    json["planned"] = planned_;
    json["totals"] = write_totals(totals);
    json["exit_code"] = exit_code;
    json["interrupted"] = interrupted;
    json["results"] = std::move(results_);
    write_(json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  }

 private:
  Sink write_;
  std::size_t planned_ = 0;
  Json results_ = Json::array();
};

}  // namespace

std::unique_ptr<Reporter> make_json_reporter(Sink write) {
  return std::make_unique<JsonReporter>(std::move(write));
}

}  // namespace sockdrill
