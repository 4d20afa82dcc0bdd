#include "harness/campaign/status.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"

namespace sockdrill {

namespace {

constexpr std::size_t kWidestGraph = 24;

double seconds_of(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::size_t average_rate(const CampaignStatus& status) {
  const double seconds = seconds_of(status.took);
  return seconds > 0 ? static_cast<std::size_t>(static_cast<double>(status.inputs) / seconds) : 0;
}

}  // namespace

std::string clock_of(Nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (seconds >= 3600)
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
}

std::string graph_of(const std::vector<std::uint64_t>& values, std::size_t width) {
  static constexpr std::array kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty() || width == 0) return {};
  const std::uint64_t most =
      std::max<std::uint64_t>(1, *std::max_element(values.begin(), values.end()));
  const std::size_t bars = std::min(width, values.size());
  std::string graph;
  for (std::size_t i = 0; i < bars; ++i) {
    const std::uint64_t value = values[(i + 1) * values.size() / bars - 1];
    graph += kBars[(value * (kBars.size() - 1) + most / 2) / most];
  }
  return graph;
}

std::string status_line(const CampaignStatus& status, std::size_t columns) {
  const std::string explaining =
      status.explaining > 0 ? fmt::format("  explaining {}", count_of(status.explaining, "finding"))
                            : "";
  std::string line = fmt::format(
      "{}  {} inputs  {}/s  {} features  corpus {}  {}{}  new {} ago", clock_of(status.took),
      with_separators(status.inputs), with_separators(static_cast<std::size_t>(status.rate)),
      with_separators(status.features), with_separators(status.corpus),
      count_of(status.findings, "finding"), explaining, clock_of(status.since_new));
  if (line.size() > columns) line.resize(columns);
  if (line.size() + 4 > columns) return line;
  return line + "  " + graph_of(status.history, std::min(kWidestGraph, columns - line.size() - 2));
}

std::string list_findings(const std::vector<FuzzFinding>& findings) {
  std::string text;
  for (const FuzzFinding& finding : findings) {
    text +=
        fmt::format("{:<14} {}{}\n", severity_name(severity_of(finding.suspicion)), finding.name,
                    finding.is_gone               ? "  (gone)"
                    : finding.not_decided.empty() ? ""
                                                  : "  (not decided)");
    for (const std::string& line : split(diagnosis_of(finding.suspicion), '\n'))
      text += fmt::format("    {}\n", line);
    if (!finding.real.empty()) text += fmt::format("    {}\n", finding.real);
    if (!finding.not_decided.empty()) text += fmt::format("    {}\n", finding.not_decided);
    text += fmt::format("    {}/report.txt\n", finding.folder);
  }
  return text;
}

std::string summary_of(const CampaignResult& result, const CampaignFolder& folder,
                       const std::string& target) {
  const CampaignStatus& status = result.status;
  std::string text;
  if (!result.findings.empty()) text = list_findings(result.findings) + "\n";
  text += fmt::format("{}: {} inputs in {} ({}/s), {} features, {} in {}\n", target,
                      with_separators(status.inputs), clock_of(status.took),
                      with_separators(average_rate(status)), with_separators(status.features),
                      count_of(status.corpus, "input") + " kept", folder.inputs());
  std::vector<std::string> found;
  if (!result.findings.empty() || status.explaining == 0)
    found.push_back(
        fmt::format("{}, {} new", count_of(result.findings.size(), "finding"), result.fresh));
  if (status.explaining > 0) found.push_back(fmt::format("{} being explained", status.explaining));
  text += fmt::format("{}", fmt::join(found, ", "));
  if (status.again > 0)
    text += fmt::format("; what is known was found {} more", count_of(status.again, "time"));
  return text + (result.was_interrupted ? "; interrupted: the same command goes on\n" : "\n");
}

Json json_of(const CampaignResult& result, const std::string& target) {
  Json findings = Json::array();
  for (const FuzzFinding& finding : result.findings) {
    findings.push_back({{"name", finding.name},
                        {"severity", severity_name(severity_of(finding.suspicion))},
                        {"rule", finding.suspicion.rule},
                        {"what", finding.suspicion.what},
                        {"real", finding.real},
                        {"is_gone", finding.is_gone},
                        {"not_decided", finding.not_decided},
                        {"folder", finding.folder}});
  }
  return {{"target", target},
          {"inputs", result.status.inputs},
          {"seconds", seconds_of(result.status.took)},
          {"inputs_per_second", average_rate(result.status)},
          {"features", result.status.features},
          {"corpus", result.status.corpus},
          {"found_again", result.status.again},
          {"new_findings", result.fresh},
          {"was_interrupted", result.was_interrupted},
          {"findings", findings}};
}

namespace {

Grade grade_of(const FuzzFinding& finding) {
  if (!finding.not_decided.empty()) return Grade::unknown;
  return finding.is_gone ? Grade::pass : Grade::fail;
}

}  // namespace

std::vector<RunResult> results_of(const CampaignResult& result, const std::string& target) {
  std::vector<RunResult> results;
  for (const FuzzFinding& finding : result.findings) {
    RunResult one{.check = "fuzz/" + finding.name, .target = target};
    one.summary = fmt::format("{}: {}", finding.suspicion.rule, finding.suspicion.what);
    one.verdict.grade = grade_of(finding);
    one.verdict.reason = finding.not_decided;
    one.verdict.findings.push_back(
        Finding{.rule = finding.suspicion.rule, .headline = finding.suspicion.what});
    one.artifact = finding.folder;
    results.push_back(std::move(one));
  }
  if (!results.empty()) return results;
  RunResult nothing{.check = "fuzz/campaign", .target = target};
  nothing.summary = "A fuzz campaign finds nothing";
  nothing.verdict.grade = Grade::pass;
  nothing.took = result.status.took;
  results.push_back(std::move(nothing));
  return results;
}

}  // namespace sockdrill
