#pragma once

// Results as a run would leave them, built by hand. For the tests of report/.

#include <map>
#include <string>
#include <utility>

#include "harness/report/report.h"

namespace sockdrill {

/// Writes a recording event by event, a tenth of a millisecond apart.
class RecordingBuilder final {
 public:
  RecordingBuilder& client(const std::string& who, Kind kind, const std::string& text = "",
                           Content content = {}, std::uint64_t number = 0, Errno error = {}) {
    return add({.lane = Lane::client,
                .kind = kind,
                .who = who,
                .text = text,
                .number = number,
                .error = error,
                .content = std::move(content)});
  }
  RecordingBuilder& server(Kind kind, const std::string& text = "", std::uint64_t number = 0) {
    return add(
        {.lane = Lane::server, .kind = kind, .who = "server", .text = text, .number = number});
  }
  RecordingBuilder& harness(Kind kind, const std::string& text = "", std::uint64_t number = 0,
                            int step = -1) {
    return add({.lane = Lane::harness, .kind = kind, .step = step, .text = text, .number = number});
  }
  /// The expectation at `pointer` was not met; result_of() fills in the step.
  RecordingBuilder& unmet(const std::string& pointer) {
    return harness(Kind::step_ended, "unmet").with_pointer(pointer);
  }
  RecordingBuilder& sample(const std::string& text, int descriptors) {
    Event event{.lane = Lane::server, .kind = Kind::sampled, .who = "server", .text = text};
    event.resources = Resources{.processes = 1,
                                .threads = 1,
                                .descriptors = descriptors,
                                .resident_bytes = std::uint64_t{2} << 20U};
    return add(std::move(event));
  }
  RecordingBuilder& add(Event event) {
    event.at = now_ += Nanoseconds(100'000);
    recording_.events.push_back(std::move(event));
    return *this;
  }
  /// The index of the event added last.
  [[nodiscard]] std::size_t last() const { return recording_.events.size() - 1; }
  [[nodiscard]] const Recording& recording() const { return recording_; }
  /// Event -> where the step stands that it belongs to.
  [[nodiscard]] const std::map<std::size_t, std::string>& pointers() const { return pointers_; }

 private:
  RecordingBuilder& with_pointer(const std::string& pointer) {
    pointers_[last()] = pointer;
    return *this;
  }

  Recording recording_;
  std::map<std::size_t, std::string> pointers_;
  Nanoseconds now_{0};
};

inline Target sample_target() {
  const std::string manifest =
      R"({"name": "tcp-threads", "command": ["tcp-threads", "{port}"],
          "listens": {"transport": "tcp"}, "variants": [{"speaks": "echo"}]})";
  return read_targets(parse_document(manifest, "targets/tcp-threads.json").value()).value()[0];
}

/// The start of nearly every recording.
inline RecordingBuilder started() {
  RecordingBuilder builder;
  builder.server(Kind::started, "tcp-threads 7001", 4242)
      .server(Kind::listening, "127.0.0.1:7001")
      .harness(Kind::case_began, "");
  return builder;
}

/// The step that stands at a pointer, the last one if it is several.
inline int step_at(const RunResult& result, const std::string& pointer) {
  int id = -1;
  for (const PlannedStep* step : steps_of(*result.plan))
    id = step->pointer == pointer ? step->id : id;
  return id;
}

/// A result with a plan, made of the lines of a scenario. `steps` are lines of JSON.
inline RunResult result_of(const std::string& id, const std::string& head, const std::string& steps,
                           const RecordingBuilder& builder, Verdict verdict) {
  RunResult result{.check = id, .target = "tcp-threads:echo"};
  result.scenario_file = "scenarios/" + id + ".json";
  result.scenario_text =
      "{\n  \"id\": \"" + id + "\",\n  " + head + ",\n  \"steps\": [\n" + steps + "\n  ]\n}\n";
  const Check check =
      read_check(parse_document(result.scenario_text, result.scenario_file).value()).value();
  result.summary = check.first.summary;
  result.level = check.first.level;
  result.source = check.first.source;
  result.catches = check.first.catches;
  result.plan = make_plan(check, sample_target(), {}).value();
  result.recording = builder.recording();
  for (const auto& [event, pointer] : builder.pointers())
    result.recording->events[event].step = step_at(result, pointer);
  result.verdict = std::move(verdict);
  result.took = Nanoseconds(83'000'000);
  result.replay_command = "sockdrill run " + id + " -t tcp-threads:echo --seed 1";
  return result;
}

inline Verdict failed_with(Finding finding) {
  Verdict verdict{.grade = finding.grade};
  verdict.findings.push_back(std::move(finding));
  return verdict;
}

// Each in samples.cpp.
RunResult truncated_echo();      ///< the server closes after 8,192 of 70,000 octets
RunResult wrong_octet();         ///< case 2 of 2: one octet of a reply is another one
RunResult no_answer();           ///< the server reads, and goes to rest
RunResult killed_by_sigpipe();   ///< by another client's leaving
RunResult leaked_descriptors();  ///< the same number more in each round
RunResult undecided();           ///< the server never comes to rest

/// A result with nothing but its grade, on t:echo.
RunResult simple(const std::string& check, Grade grade, const std::string& reason = "");
std::vector<RunResult> one_of_each();  ///< of the grades
RunResult hostile();                   ///< whatever can be said in it is meant to break the report

/// All that a reporter writes about them.
using MakeReporter = std::function<std::unique_ptr<Reporter>(Sink)>;
std::string report(const MakeReporter& make, const std::vector<RunResult>& results,
                   std::size_t targets = 1, bool interrupted = false, int exit_code = 1);

}  // namespace sockdrill
