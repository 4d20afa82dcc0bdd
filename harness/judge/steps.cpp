// What the outcome of a single step says.

#include <algorithm>

#include <fmt/format.h>
#include <cstring>

#include "harness/judge/walk.h"

namespace sockdrill {

namespace {

const Event* find(const Walk& walk, const std::vector<std::size_t>& events, Kind kind) {
  for (const std::size_t index : events) {
    if (walk.recording.events[index].kind == kind) return &walk.recording.events[index];
  }
  return nullptr;
}

void place(Finding& finding, const PlannedStep& step, const std::vector<std::size_t>& events) {
  finding.step = step.id;
  finding.pointer = step.pointer;
  finding.client = step.client;
  finding.evidence = events;
}

std::string word_of(ConnectOutcome outcome) {
  static const char* const words[] = {"connected", "refused", "reset", "timeout"};
  return words[static_cast<int>(outcome)];
}

void undecided(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events) {
  const Event* restless = find(walk, events, Kind::restless);
  Finding& finding = walk.add(
      "step", Grade::unknown,
      fmt::format("could not be decided: '{}' had not ended when its cap was reached", step.text));
  if (restless != nullptr) finding.actual = "the server had not come to rest: " + restless->text;
  place(finding, step, events);
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
  // A connection that does not come about in time says that the machine is slow or the backlog
  // full: no verdict on speed.
  const Grade grade = actual == "timeout" ? Grade::unknown : walk.grade_of_level();
  Finding& finding = walk.add("step", grade,
                              failed == nullptr ? "the connection was accepted"
                                                : fmt::format("the connection was not accepted: {}",
                                                              describe(failed->error)));
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
  Conversation& client = walk.clients[step.client];
  const bool has_boundaries = keeps_boundaries(walk.plan.target.transport);
  Expectation expectation(expect, client.since, has_boundaries);
  const Expectation::State state = expectation.consider(client.heard);
  if (state == Expectation::State::met) {
    const PlannedOutcome& outcome = expect.one_of[expectation.met_index()];
    const std::uint64_t taken = expectation.taken();
    if (has_boundaries) {
      for (std::uint64_t i = 0; i < taken && !client.heard.messages.empty(); ++i)
        client.heard.messages.pop_front();
      if (outcome.is_sent && !client.since.messages.empty())
        client.since.messages.pop_front();
      else
        client.since = SentSoFar{};
    } else {
      client.heard.octets.drop_front(taken);
      client.since = SentSoFar{};
    }
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

// The server's steps.

void judge_second(Walk& walk, const PlannedStep& step, const Second& second,
                  const std::vector<std::size_t>& events, const std::string& ended) {
  const Event* exited = find(walk, events, Kind::exited);
  std::string output;
  for (const std::size_t index : events) {
    if (walk.recording.events[index].kind == Kind::wrote)
      output += walk.recording.events[index].content.copy(0, 65536);
  }
  const Errno error = errno_named(second.says);
  if (ended == "unmet" || exited == nullptr) {
    Finding& finding = walk.add(
        "step", walk.grade_of_level(),
        "a second instance on the same address starts and stays: both believe that they serve it");
    finding.symptom = Symptom::second_lives;
    finding.expected = fmt::format(
        "the second instance ends by itself, with a status other than 0 and {} in its output",
        second.says);
    finding.actual = "it lives on";
    return place(finding, step, events);
  }
  if (exited->number == 0) {
    Finding& finding =
        walk.add("step", walk.grade_of_level(),
                 "a second instance on the same address ends with status 0, as if all were well");
    finding.expected = "a status other than 0";
    finding.actual = exited->text;
    return place(finding, step, events);
  }
  if (names(output, error)) return;
  Finding& finding = walk.add("step", Grade::warn,
                              fmt::format("the second instance does not say why it cannot start: "
                                          "neither {} nor '{}' is in its output",
                                          second.says, ::strerrordesc_np(error.value)));
  finding.expected = second.says;
  finding.actual = output.empty() ? "no output" : quote(output, 200);
  place(finding, step, events);
}

void judge_restart(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events,
                   const std::string& ended) {
  if (ended == "done") return;
  const Event* why = find(walk, events, Kind::not_listening);
  if (ended == "deadline") {
    Finding& finding =
        walk.add("step", walk.grade_of_level(), "the server does not end when it is told to");
    finding.symptom = Symptom::does_not_end;
    return place(finding, step, events);
  }
  Finding& finding = walk.add("step", walk.grade_of_level(),
                              fmt::format("the server does not come back after a restart: {}",
                                          why != nullptr ? why->text : "it does not listen"));
  finding.expected = "listening again, on the same address";
  finding.actual = why != nullptr ? why->text : "";
  place(finding, step, events);
}

void judge_exit(Walk& walk, const PlannedStep& step, const ServerExpect& expect,
                const std::vector<std::size_t>& events) {
  const Event* exited = nullptr;
  std::string signal;
  for (std::size_t i = 0; i <= walk.at; ++i) {
    const Event& event = walk.recording.events[i];
    if (event.kind == Kind::signalled && event.who == "server") signal = event.text;
    if (event.kind == Kind::exited && event.who == "server") exited = &event;
    if (event.kind == Kind::started && event.who == "server") exited = nullptr;
  }
  if (exited == nullptr) {
    Finding& finding = walk.add("step", walk.grade_of_level(),
                                fmt::format("the server does not end after {}",
                                            signal.empty() ? "what was done to it" : signal));
    finding.symptom = Symptom::does_not_end;
    finding.expected = "it ends";
    finding.actual = "it still runs when the cap is reached";
    return place(finding, step, events);
  }
  if (expect.exit == ServerExpect::Exit::any) return;
  const std::vector<int>& declared = walk.plan.target.declares.exit;
  const bool by_that_signal =
      exited->number > 256 && exited->text.find(signal) != std::string::npos && !signal.empty();
  const bool is_listed = std::any_of(declared.begin(), declared.end(), [&](int s) {
    return static_cast<std::uint64_t>(s) == exited->number;
  });
  // Without a declaration: 0, death by that very signal, or the shell's 128 + n for it.
  const bool is_usual =
      exited->number == 0 || by_that_signal || exited->number == 143 || exited->number == 130;
  if (declared.empty() ? is_usual : is_listed || (by_that_signal && declared.empty())) return;
  Finding& finding =
      walk.add("step", walk.grade_of_level(),
               fmt::format("the server ends badly after {}: {}", signal, exited->text));
  finding.expected = declared.empty()
                         ? "status 0, or the end that the signal gives"
                         : fmt::format("a declared status: {}", fmt::join(declared, ", "));
  finding.actual = exited->text;
  place(finding, step, events);
}

void judge_server_expect(Walk& walk, const PlannedStep& step, const ServerExpect& expect,
                         const std::vector<std::size_t>& events, const std::string& ended) {
  if (expect.exit != ServerExpect::Exit::unsaid) return judge_exit(walk, step, expect, events);
  const Event* sampled = find(walk, events, Kind::sampled);
  const Resources* before = baseline_before(walk.recording, walk.at);
  if (sampled == nullptr || before == nullptr || !sampled->resources) return;
  const Resources& now = *sampled->resources;
  const auto broken = [&](Symptom symptom, const std::string& headline, const std::string& expected,
                          const std::string& actual) {
    Finding& finding = walk.add("step", walk.grade_of_level(), headline);
    finding.symptom = symptom;
    finding.expected = expected;
    finding.actual = actual;
    place(finding, step, events);
  };
  if (expect.zombies && now.zombies > *expect.zombies)
    broken(Symptom::zombies, "children that have ended are not waited for (zombies)",
           fmt::format("at most {}", *expect.zombies), fmt::format("{}", now.zombies));
  if (expect.close_wait && now.close_wait > *expect.close_wait)
    broken(Symptom::close_wait, "connections whose clients are gone are kept (CLOSE_WAIT)",
           fmt::format("at most {}", *expect.close_wait), fmt::format("{}", now.close_wait));
  if (expect.descriptors && now.descriptors > before->descriptors + *expect.descriptors)
    broken(Symptom::descriptors, "the server holds more descriptors than it may",
           fmt::format("at most {}", before->descriptors + *expect.descriptors),
           fmt::format("{}", now.descriptors));
  const std::uint64_t declared = walk.plan.target.declares.allowed_memory_growth();
  const std::optional<std::uint64_t> growth =
      expect.is_declared_growth ? std::optional(declared) : expect.memory_growth;
  if (growth && now.resident_bytes > before->resident_bytes + *growth + quarantine_of(now)) {
    broken(Symptom::memory_unread, "the server's memory grows with what a client does not read",
           fmt::format("at most {} more", count_of(static_cast<std::size_t>(*growth), "byte")),
           count_of(static_cast<std::size_t>(now.resident_bytes - before->resident_bytes), "byte") +
               " more");
  }
  const Event* not_listening = find(walk, events, Kind::not_listening);
  if (expect.is_listening && not_listening != nullptr)
    broken(Symptom::other, "the server does not listen any more", "listening",
           "no listening socket");
  const Event* quiet = find(walk, events, Kind::measured_quiet);
  if (expect.is_quiet && ended == "deadline" && quiet != nullptr && quiet->number > 50000) {
    broken(Symptom::spins, "the server spins while nothing happens", "a quiet CPU",
           fmt::format("{:.0f} % of a CPU, running or waiting for one, over {} ms",
                       static_cast<double>(quiet->number) / 10000.0, quiet->text));
  } else if (ended == "deadline") {
    undecided(walk, step, events);
  }
}

}  // namespace

void judge_step(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events) {
  const std::string& ended = walk.event().text;
  if (const Event* failed = find(walk, events, Kind::failed)) {
    Finding& finding = walk.add("step", Grade::error, failed->text);
    return place(finding, step, events);
  }
  if (const auto* connect = std::get_if<Connect>(&step.action))
    return judge_connect(walk, step, *connect, events);
  if (const auto* expect = std::get_if<PlannedExpect>(&step.action)) {
    if (ended != "impossible") judge_expect(walk, step, *expect, events);
    return;
  }
  if (const auto* server = std::get_if<ServerAction>(&step.action)) {
    if (const auto* second = std::get_if<Second>(server))
      return judge_second(walk, step, *second, events, ended);
    if (std::holds_alternative<Restart>(*server)) return judge_restart(walk, step, events, ended);
    if (const auto* expect = std::get_if<ServerExpect>(server))
      return judge_server_expect(walk, step, *expect, events, ended);
    if (ended == "deadline") undecided(walk, step, events);
    return;
  }
  if (const auto* send = std::get_if<PlannedSend>(&step.action))
    judge_send(walk, step, *send, events);
  if (const auto* run = std::get_if<PlannedRun>(&step.action)) judge_run(walk, step, *run, events);
  if (ended == "deadline") undecided(walk, step, events);
}

}  // namespace sockdrill
