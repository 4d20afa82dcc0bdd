// What the outcome of a single step says.

#include <algorithm>

#include <fmt/format.h>

#include "harness/judge/step_findings.h"

namespace sockdrill {

namespace {

std::string word_of(ConnectOutcome outcome) {
  static const char* const words[] = {"connected", "refused", "reset", "timeout"};
  return words[static_cast<int>(outcome)];
}

/// The listener, when its queue stood full while the server was stopped: it could not accept, and
/// what it was started with is all that decided. (Linux holds one more than the backlog.)
const SocketSeen* full_backlog_of_a_stopped_server(const Walk& walk,
                                                   const std::vector<std::size_t>& events) {
  const Event* seen = find(walk, events, Kind::observed);
  if (seen == nullptr || !seen->snapshot) return nullptr;
  const Snapshot& snapshot = *seen->snapshot;
  const bool is_stopped = !snapshot.tasks.empty() &&
                          std::all_of(snapshot.tasks.begin(), snapshot.tasks.end(),
                                      [](const TaskSeen& task) { return task.state == "T"; });
  const auto listener =
      std::find_if(snapshot.sockets.begin(), snapshot.sockets.end(),
                   [](const SocketSeen& s) { return s.state == "LISTEN" && s.unread > s.unsent; });
  return is_stopped && listener != snapshot.sockets.end() ? &*listener : nullptr;
}

void judge_connect(Walk& walk, const PlannedStep& step, const Connect& connect,
                   const std::vector<std::size_t>& events) {
  const Event* failed = find(walk, events, Kind::connect_failed);
  const std::string actual = failed == nullptr ? "connected" : failed->text;
  if (actual == "no socket") {
    Finding& finding =
        walk.add("step", Grade::error,
                 fmt::format("our own kernel gave no socket: {}", describe(failed->error)));
    return place(finding, step, events);
  }
  const bool is_allowed = std::any_of(connect.outcome.begin(), connect.outcome.end(),
                                      [&](ConnectOutcome o) { return word_of(o) == actual; });
  if (is_allowed) return;
  std::vector<std::string> words;
  for (const ConnectOutcome outcome : connect.outcome) words.push_back(word_of(outcome));
  // A connection that does not come about in time says that the machine is slow: no verdict on
  // speed.
  const SocketSeen* full =
      actual == "timeout" ? full_backlog_of_a_stopped_server(walk, events) : nullptr;
  const Grade grade = full != nullptr       ? Grade::warn
                      : actual == "timeout" ? Grade::unknown
                                            : walk.grade_of_level();
  Finding& finding = walk.add(
      "step", grade,
      failed == nullptr ? "the connection was accepted"
      : full != nullptr
          ? fmt::format("a backlog of {} holds {}, and no more: who comes while the "
                        "server is busy is kept waiting for seconds",
                        full->unsent, count_of(static_cast<std::size_t>(full->unread), "client"))
          : fmt::format("the connection was not accepted: {}", describe(failed->error)));
  if (full != nullptr) finding.because = {"listen(2)", "RFC 9293 3.8.1"};
  finding.expected = join_or(words);
  finding.actual = actual;
  place(finding, step, events);
}

void judge_send(Walk& walk, const PlannedStep& step, const PlannedSend& send,
                const std::vector<std::size_t>& events) {
  const Event* failed = find(walk, events, Kind::send_failed);
  if (send.fails.value != 0 && (failed == nullptr || failed->error != send.fails)) {
    // It is our own kernel that must refuse this: whatever else happens is no fault of the server.
    Finding& finding = walk.add("step", Grade::error,
                                fmt::format("the send had to fail with {}", describe(send.fails)));
    finding.expected = name_of(send.fails);
    finding.actual = failed == nullptr ? "it was sent" : name_of(failed->error);
    return place(finding, step, events);
  }
  const Event* blocked = find(walk, events, Kind::blocked);
  if (blocked != nullptr && !send.until_blocked) {
    Finding& finding = walk.add(
        "step", walk.grade_of_level(),
        "the server stopped reading: everything sleeps, and the client's octets do not get out");
    finding.expected =
        fmt::format("{} taken", count_of(static_cast<std::size_t>(send.content.size()), "byte"));
    finding.actual =
        fmt::format("{} taken", count_of(static_cast<std::size_t>(blocked->number), "byte"));
    place(finding, step, events);
  }
}

bool came_to_nothing(const Heard& heard) { return heard.octets.empty() && heard.messages.empty(); }

Symptom symptom_of(const Miss& miss, const Heard& heard) {
  if (heard.end != End::none) return Symptom::other;
  if (came_to_nothing(heard)) return Symptom::no_answer;
  return miss.differs_at ? Symptom::other : Symptom::not_closed;
}

/// How a reply went wrong, in one sentence.
std::string headline_of(const Miss& miss, const Heard& heard) {
  const std::uint64_t came =
      heard.messages.empty() ? heard.octets.size() : heard.messages.front().size();
  if (came_to_nothing(heard) && heard.end == End::none)
    return "no answer: the server has read everything it wants, sleeps, and nothing came";
  if (came_to_nothing(heard))
    return fmt::format("the server ended the connection ({}) without an answer",
                       heard.end == End::fin ? "fin" : "reset");
  const bool is_short = miss.differs_at && *miss.differs_at >= came;
  if (is_short && heard.end != End::none)
    return fmt::format("the answer breaks off after {}, by {}",
                       count_of(static_cast<std::size_t>(came), "byte"),
                       heard.end == End::fin ? "fin" : "reset");
  if (is_short && heard.messages.empty())
    return fmt::format("the answer stops after {}: the server sleeps, and the rest does not come",
                       count_of(static_cast<std::size_t>(came), "byte"));
  if (is_short)
    return fmt::format("the message is cut short after {}",
                       count_of(static_cast<std::size_t>(came), "byte"));
  if (miss.differs_at)
    return fmt::format("the answer differs from octet {} on",
                       with_separators(static_cast<std::size_t>(*miss.differs_at)));
  if (heard.end == End::reset) return "the connection was reset instead of closed in order";
  if (heard.end == End::none) return "the connection was not closed";
  return "the answer is not what it must be";
}

void judge_expect(Walk& walk, const PlannedStep& step, const PlannedExpect& expect,
                  const std::vector<std::size_t>& events) {
  ClientSoFar& client = walk.clients[step.client];
  const bool has_boundaries = keeps_boundaries(walk.plan.target.transport);
  Expectation expectation(expect, client.since, has_boundaries);
  const Expectation::State state = expectation.consider(client.heard);
  if (state == Expectation::State::met) {
    const PlannedOutcome& outcome = expect.one_of[expectation.met_index()];
    expectation.use_up(client.heard, client.since);
    client.heard.is_firm_rest = false;
    if (!outcome.is_warning) return;
    Finding& finding =
        walk.add("step", Grade::warn, fmt::format("allowed, but not well: {}", describe(outcome)));
    finding.expected = describe(expect);
    finding.actual = describe(outcome);
    if (!outcome.because.empty()) finding.because.push_back(outcome.because);
    return place(finding, step, events);
  }
  if (state == Expectation::State::undecided) {
    client.has_finding = true;
    return undecided(walk, step, events);
  }
  const Miss miss = expectation.nearest_miss(client.heard);
  const bool is_probe = step.client == "probe" || step.client == "warm-up";
  Finding& finding =
      walk.add(is_probe ? "invariant/probe" : "step",
               is_probe ? Grade::fail : walk.grade_of_level(), headline_of(miss, client.heard));
  finding.symptom = symptom_of(miss, client.heard);
  if (is_probe)
    finding.headline = fmt::format("a fresh client is not served {}: {}",
                                   step.client == "warm-up" ? "right after the start" : "any more",
                                   finding.headline);
  finding.expected = miss.expected;
  finding.actual = miss.actual;
  if (miss.differs_at && (!miss.expected_octets.empty() || !miss.actual_octets.empty())) {
    finding.difference = Difference{.at = *miss.differs_at,
                                    .window_from = miss.window_from,
                                    .expected = miss.expected_octets,
                                    .actual = miss.actual_octets};
  }
  client.has_finding = true;
  place(finding, step, events);
}

void judge_run(Walk& walk, const PlannedStep& step, const PlannedRun& run,
               const std::vector<std::size_t>& events) {
  const Event* ran = find(walk, events, Kind::ran);
  if (ran == nullptr) return;
  if (run.exit && ran->number != static_cast<std::uint64_t>(*run.exit)) {
    Finding& finding =
        walk.add("step", walk.grade_of_level(), fmt::format("'{}' {}", run.command[0], ran->text));
    finding.expected = fmt::format("exit status {}", *run.exit);
    finding.actual =
        ran->detail.empty() ? ran->text : fmt::format("{}: {}", ran->text, quote(ran->detail, 200));
    return place(finding, step, events);
  }
  if (!run.output || *run.output == ran->content) return;
  Finding& finding = walk.add("step", walk.grade_of_level(),
                              fmt::format("'{}' printed something else", run.command[0]));
  finding.expected = summary(*run.output);
  finding.actual = summary(ran->content);
  const std::uint64_t at = first_difference(*run.output, ran->content)
                               .value_or(std::min(run.output->size(), ran->content.size()));
  const std::uint64_t from = at - std::min<std::uint64_t>(at, at % 16 + 16);
  finding.difference = Difference{.at = at,
                                  .window_from = from,
                                  .expected = run.output->copy(from, 48),
                                  .actual = ran->content.copy(from, 48)};
  place(finding, step, events);
}

}  // namespace

void judge_step(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events) {
  const std::string& ended = walk.event().text;
  if (const Event* failed = find(walk, events, Kind::failed)) {
    Finding& finding = walk.add("step", Grade::error, failed->text);
    return place(finding, step, events);
  }
  if (const auto* connect = std::get_if<Connect>(&step.action)) {
    judge_connect(walk, step, *connect, events);
    // The player hears the greeting out in the same step.
    const std::optional<PlannedExpect> greeting = greeting_of(walk.plan.target.speaks);
    if (greeting && find(walk, events, Kind::connected) != nullptr)
      judge_expect(walk, step, *greeting, events);
    return;
  }
  if (const auto* expect = std::get_if<PlannedExpect>(&step.action)) {
    if (ended != "impossible") judge_expect(walk, step, *expect, events);
    return;
  }
  if (const auto* server = std::get_if<ServerAction>(&step.action))
    return judge_server_step(walk, step, *server, events);
  if (const auto* send = std::get_if<PlannedSend>(&step.action))
    judge_send(walk, step, *send, events);
  if (const auto* run = std::get_if<PlannedRun>(&step.action)) judge_run(walk, step, *run, events);
  if (ended == "deadline") undecided(walk, step, events);
}

}  // namespace sockdrill
