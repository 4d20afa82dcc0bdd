// JUnit XML, as Jenkins, GitLab and others read it: a suite a target, a case a check.
//
// The common schema knows properties of a suite only, so those of a check carry its id in their
// name.

#include <map>
#include <utility>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "harness/report/report.h"
#include "harness/report/visible.h"
#include "harness/report/words.h"

namespace sockdrill {

namespace {

class SinkWriter final : public pugi::xml_writer {
 public:
  explicit SinkWriter(const Sink& write) : write_(write) {}
  void write(const void* data, std::size_t size) override {
    write_(std::string_view(static_cast<const char*>(data), size));
  }

 private:
  const Sink& write_;
};

std::string seconds(Nanoseconds span) {
  return fmt::format("{:.3f}", static_cast<double>(span.count()) / 1e9);
}

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

void set_counts(pugi::xml_node node, const Totals& totals) {
  set(node, "tests", fmt::format("{}", totals.run));
  set(node, "failures", fmt::format("{}", totals.failed));
  set(node, "errors", fmt::format("{}", totals.errors + totals.unknown));
  set(node, "time", seconds(totals.took));
}

class JUnit final : public Reporter {
 public:
  explicit JUnit(Sink write) : write_(std::move(write)) {}

  void begin(std::size_t /*runs*/, std::size_t /*checks*/, std::size_t /*targets*/) override {
    root_ = document_.append_child("testsuites");
  }

  void add(const RunResult& result) override {
    Suite& suite = suite_of(result.target);
    suite.totals.add(result);
    add_properties(suite.properties, result);
    pugi::xml_node node = suite.node.append_child("testcase");
    set(node, "name", visible(result.check));
    set(node, "classname", visible(result.target));
    set(node, "time", seconds(result.took));
    add_outcome(node, result);
    add_output(node, result);
  }

  void end(const Totals& totals, int /*exit_code*/, bool /*interrupted*/) override {
    if (!root_) root_ = document_.append_child("testsuites");
    set(root_, "name", "sockdrill");
    set_counts(root_, totals);
    for (auto& [target, suite] : suites_) {
      set(suite.node, "name", visible(target));
      set_counts(suite.node, suite.totals);
      set(suite.node, "skipped", fmt::format("{}", suite.totals.skipped));
      if (!suite.properties.first_child()) suite.node.remove_child(suite.properties);
    }
    SinkWriter writer(write_);
    document_.save(writer, "  ", pugi::format_default, pugi::encoding_utf8);
  }

 private:
  struct Suite {
    pugi::xml_node node;
    pugi::xml_node properties;
    Totals totals;
    std::map<std::string, bool> has_properties;  ///< of which checks
  };

  Suite& suite_of(const std::string& target) {
    const auto [at, is_new] = suites_.try_emplace(target);
    if (is_new) {
      at->second.node = root_.append_child("testsuite");
      at->second.properties = at->second.node.append_child("properties");
    }
    return at->second;
  }

  void add_properties(pugi::xml_node properties, const RunResult& result) {
    Suite& suite = suites_[result.target];
    if (std::exchange(suite.has_properties[result.check], true)) return;
    const auto add = [&](const char* name, const std::string& value) {
      if (value.empty()) return;
      pugi::xml_node property = properties.append_child("property");
      set(property, "name", fmt::format("{}:{}", visible(result.check), name));
      set(property, "value", visible(value));
    };
    add("level", to_string(result.level));
    add("source", fmt::format("{}", fmt::join(result.source, "; ")));
    if (result.plan) add("seed", fmt::format("{}", result.plan->seed));
  }

  static void add_outcome(pugi::xml_node node, const RunResult& result) {
    const Grade grade = result.verdict.grade;
    const char* const element = grade == Grade::fail                               ? "failure"
                                : grade == Grade::error || grade == Grade::unknown ? "error"
                                : grade == Grade::skip                             ? "skipped"
                                                                                   : nullptr;
    if (element == nullptr) return;
    pugi::xml_node outcome = node.append_child(element);
    set(outcome, "message", visible(headline_of(result)));
    if (grade == Grade::skip) return;
    const bool has_rule = grade == Grade::fail && !result.verdict.findings.empty();
    set(outcome, "type",
        has_rule                  ? visible(result.verdict.findings[0].rule)
        : grade == Grade::unknown ? "unknown"
                                  : "error");
    outcome.append_child(pugi::node_pcdata)
        .set_value(visible_lines(explain(result, false)).c_str());
  }

  static void add_output(pugi::xml_node node, const RunResult& result) {
    const Grade grade = result.verdict.grade;
    std::string text;
    if (grade == Grade::warn || grade == Grade::info || grade == Grade::known)
      text = fmt::format("{}: {}\n", to_string(grade), visible(headline_of(result)));
    if (grade == Grade::known) text += visible(result.verdict.reason) + "\n";
    if (grade != Grade::pass) text += visible_lines(result.server_output);
    if (text.empty()) return;
    node.append_child("system-out").append_child(pugi::node_pcdata).set_value(text.c_str());
  }

  Sink write_;
  pugi::xml_document document_;
  pugi::xml_node root_;
  std::map<std::string, Suite> suites_;
};

}  // namespace

std::unique_ptr<Reporter> make_junit_reporter(Sink write) {
  return std::make_unique<JUnit>(std::move(write));
}

}  // namespace sockdrill
