#include "harness/judge/judge.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/diagnosis/diagnosis.h"
#include "harness/judge/walk.h"

namespace sockdrill {

std::string to_string(Grade grade) {
  static const char* const words[] = {"PASS", "KNOWN",   "WARN", "INFO",
                                      "SKIP", "UNKNOWN", "FAIL", "ERROR"};
  return words[static_cast<int>(grade)];
}

Grade Walk::grade_of_level() const {
  switch (plan.scenario.level) {
    case Level::must:
      return Grade::fail;
    case Level::should:
      return Grade::warn;
    case Level::policy:
      return plan.scenario.applies.declares.empty() ? Grade::info : Grade::fail;
  }
  return Grade::fail;
}

Finding& Walk::add(std::string rule, Grade grade, std::string headline) {
  findings.push_back(Finding{.rule = std::move(rule),
                             .grade = grade,
                             .headline = std::move(headline),
                             .because = plan.scenario.source,
                             .case_index = case_index});
  return findings.back();
}

namespace {

/// Takes one client event into its conversation.
void listen(Walk& walk, const Event& event) {
  ClientSoFar& client = walk.clients[event.who];
  const bool has_boundaries = keeps_boundaries(walk.plan.target.transport);
  switch (event.kind) {
    case Kind::opened:
      client = ClientSoFar{};
      break;
    case Kind::sent:
      client.sent.append(event.content, ends_urgent(event));
      client.messages_sent += 1;
      if (has_boundaries)
        client.since.messages.push_back(event.content);
      else
        client.since.stream.append(event.content, ends_urgent(event));
      break;
    case Kind::received:
      client.received.append(event.content);
      client.messages_received += 1;
      if (has_boundaries)
        client.heard.messages.push_back(event.content);
      else
        client.heard.octets.append(event.content);
      if (!event.text.empty() && !walk.plan.target.speaks.replies_from_any_port)
        client.strangers.insert(event.text);
      break;
    case Kind::ended:
      client.heard.end = event.text == "fin" ? End::fin : End::reset;
      break;
    case Kind::closed:
    case Kind::was_reset:
      judge_conversation(walk, event.who);
      break;
    default:
      break;
  }
}

void end_step(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events) {
  judge_step(walk, step, events);
  if (!std::holds_alternative<Drain>(step.action)) return;
  // Whatever came is used up.
  ClientSoFar& client = walk.clients[step.client];
  client.heard.octets = Content{};
  client.heard.messages.clear();
  client.since = SentSoFar{};
}

/// The step that each client (or the server, "server") is at, and its events. By name and by step:
/// a crowd may have ten thousand open at a time.
class OpenSteps final {
 public:
  void begin(const Event& event) {
    open_[event.who] = OpenStep{.step = event.step, .events = {}};
    if (event.step >= 0) who_of_[event.step] = event.who;
  }
  /// What a client does, and what others say of its step.
  void add(const Event& event, std::size_t at) {
    if (const auto own = open_.find(event.who); own != open_.end())
      own->second.events.push_back(at);
    const auto found = event.step >= 0 ? who_of_.find(event.step) : who_of_.end();
    if (found == who_of_.end() || found->second == event.who) return;
    const auto other = open_.find(found->second);
    if (other != open_.end() && other->second.step == event.step)
      other->second.events.push_back(at);
  }
  [[nodiscard]] const std::vector<std::size_t>& events_of(const std::string& who) {
    return open_[who].events;
  }
  void end(const Event& event) {
    open_.erase(event.who);
    who_of_.erase(event.step);
  }

 private:
  struct OpenStep {
    int step = -1;
    std::vector<std::size_t> events;
  };
  std::map<std::string, OpenStep> open_;
  std::map<int, std::string> who_of_;
};

void walk_steps(Walk& walk) {
  OpenSteps open;
  for (walk.at = 0; walk.at < walk.recording.events.size(); ++walk.at) {
    const Event& event = walk.event();
    if (event.kind == Kind::case_began) walk.case_index = static_cast<int>(event.number);
    if (event.kind == Kind::case_began || event.kind == Kind::round_began) {
      for (auto& [name, client] : walk.clients) client = ClientSoFar{};
    }
    if (event.kind == Kind::step_began) {
      open.begin(event);
      walk.clients[event.who].heard.is_firm_rest = false;
      walk.clients[event.who].heard.is_served = false;
    }
    if (event.lane == Lane::client) listen(walk, event);
    open.add(event, walk.at);
    if (event.kind == Kind::rested && event.step >= 0) {
      Heard& heard = walk.clients[step_of(walk.plan, event.step).client].heard;
      heard.is_served = !event.who.empty();
      heard.is_firm_rest = event.number == 1;
    }
    if (event.kind == Kind::step_ended) {
      if (event.step >= 0)
        end_step(walk, step_of(walk.plan, event.step), open.events_of(event.who));
      open.end(event);
    }
  }
}

/// Events say when; findings are told in that order, and what follows from a death is not told at
/// all.
std::size_t time_of(const Finding& finding) {
  return finding.evidence.empty() ? SIZE_MAX : finding.evidence.back();
}

void drop_consequences(const Recording& recording, std::vector<Finding>& findings) {
  std::size_t died_at = SIZE_MAX;
  for (const Finding& finding : findings) {
    if (finding.rule == "invariant/alive") died_at = std::min(died_at, time_of(finding));
  }
  if (died_at == SIZE_MAX) return;
  // A death shows in the clients before it shows in the process table: what they met in the step of
  // the death is told by it.
  std::size_t step_at = died_at;
  while (step_at > 0 && recording.events[step_at].kind != Kind::step_began) --step_at;
  std::erase_if(findings, [&](const Finding& f) {
    return f.rule != "invariant/alive" && f.rule != "invariant/stderr" && time_of(f) >= step_at;
  });
}

/// Our own kernel has thrown datagrams away: then a missing reply proves nothing.
void doubt_after_drops(const Recording& recording, std::vector<Finding>& findings) {
  std::uint64_t dropped = 0;
  for (const Event& event : recording.events) {
    if (event.kind == Kind::dropped) dropped += event.number;
  }
  if (dropped == 0) return;
  for (Finding& finding : findings) {
    if (finding.rule != "step" || finding.grade != Grade::fail) continue;
    finding.grade = Grade::unknown;
    finding.headline += fmt::format(" (the kernel dropped {} meanwhile, so this proves nothing)",
                                    count_of(static_cast<std::size_t>(dropped), "datagram"));
  }
}

/// What could not be decided because the server spun is told by the spin.
void drop_what_the_spin_tells(std::vector<Finding>& findings) {
  const bool spins = std::any_of(findings.begin(), findings.end(),
                                 [](const Finding& f) { return f.rule == "invariant/quiet-cpu"; });
  if (spins) std::erase_if(findings, [](const Finding& f) { return f.grade == Grade::unknown; });
}

int severity(Grade grade) { return static_cast<int>(grade); }

std::optional<Verdict> judge_start(const Recording& recording) {
  for (const Event& event : recording.events) {
    if (event.kind == Kind::case_began) return std::nullopt;
    if (event.kind != Kind::not_listening || event.step >= 0) continue;
    Verdict verdict{.grade = Grade::error,
                    .reason = "the server did not start: " + event.text,
                    .did_not_start = true};
    return verdict;
  }
  return std::nullopt;
}

}  // namespace

void apply_known(const Target& target, const std::string& check, Verdict& verdict) {
  const Known* known = target.known_for(check);
  if (known == nullptr || verdict.grade == Grade::skip || verdict.grade == Grade::error ||
      verdict.grade == Grade::unknown)
    return;
  if (verdict.grade == Grade::fail || verdict.grade == Grade::warn) {
    verdict.grade = Grade::known;
    verdict.reason = known->because;
    return;
  }
  Finding finding{
      .rule = "known",
      .grade = Grade::fail,
      .headline = "a weakness that the manifest lists as known has gone: take it out of \"known\""};
  finding.expected = fmt::format("a failure, because {}", known->because);
  finding.actual = to_string(verdict.grade);
  verdict.findings.push_back(std::move(finding));
  verdict.grade = Grade::fail;
}

Verdict judge(const Plan& plan, const Recording& recording) {
  if (std::optional<Verdict> not_started = judge_start(recording)) return *not_started;
  Walk walk{.plan = plan, .recording = recording};
  walk_steps(walk);
  walk.case_index = 0;
  judge_invariants(walk);
  drop_consequences(recording, walk.findings);
  drop_what_the_spin_tells(walk.findings);
  doubt_after_drops(recording, walk.findings);

  Verdict verdict;
  for (const Event& event : recording.events) {
    if (event.kind == Kind::case_began) ++verdict.cases_played;
  }
  verdict.findings = std::move(walk.findings);
  // A server that says nothing about its concurrency is told, not judged, where one client must not
  // keep another one waiting.
  if (plan.scenario.applies.concurrent == true && !plan.target.declares.concurrent) {
    for (Finding& finding : verdict.findings) {
      if (finding.rule == "step" && finding.grade == Grade::fail) finding.grade = Grade::info;
    }
    if (!verdict.findings.empty())
      verdict.reason = "the server does not declare whether it serves several clients at a time";
  }
  std::stable_sort(verdict.findings.begin(), verdict.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::make_pair(-severity(a.grade), time_of(a)) <
                            std::make_pair(-severity(b.grade), time_of(b));
                   });
  diagnose(plan, recording, verdict.findings);
  if (!verdict.findings.empty()) verdict.grade = verdict.findings.front().grade;
  if (verdict.grade == Grade::unknown || verdict.grade == Grade::error)
    verdict.reason = verdict.findings.front().headline;
  if (verdict.cases_played == 0 && verdict.findings.empty()) {
    verdict.grade = Grade::unknown;
    verdict.reason = "nothing was played";
  }
  apply_known(plan.target, plan.scenario.id, verdict);
  return verdict;
}

}  // namespace sockdrill
