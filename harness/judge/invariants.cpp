// What must hold after every check, and of every conversation.

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "harness/judge/walk.h"

namespace sockdrill {

namespace {

/// Words on stderr that only a program in a bad state writes.
constexpr std::array<std::pair<const char*, const char*>, 9> kAlarms{
    {{"ERROR: AddressSanitizer", "AddressSanitizer reports an error"},
     {"ERROR: LeakSanitizer", "LeakSanitizer reports a leak"},
     {"WARNING: ThreadSanitizer", "ThreadSanitizer reports a race"},
     {"WARNING: MemorySanitizer", "MemorySanitizer reports an error"},
     {"runtime error: ", "UndefinedBehaviorSanitizer reports an error"},
     {"*** buffer overflow detected ***",
      "the C library stopped a buffer overflow (in select(2) sets: a descriptor beyond "
      "FD_SETSIZE)"},
     {"*** stack smashing detected ***", "the C library found the stack overwritten"},
     {"terminate called", "an exception nobody caught, or std::terminate()"},
     {"double free or corruption", "the C library found the heap corrupted"}}};

bool is_end_asked_for(const Walk& walk, std::size_t exited_at) {
  for (std::size_t i = exited_at; i-- > 0;) {
    const Event& event = walk.recording.events[i];
    if (event.who != "server") continue;
    if (event.kind == Kind::started) return false;
    if (event.kind == Kind::signalled) return true;
  }
  return false;
}

/// What was going on: the last steps that had begun before an event.
int step_before(const Walk& walk, std::size_t index) {
  for (std::size_t i = index + 1; i-- > 0;) {
    if (walk.recording.events[i].kind == Kind::step_began && walk.recording.events[i].step >= 0)
      return walk.recording.events[i].step;
  }
  return -1;
}

void judge_end(Walk& walk) {
  const Event& event = walk.event();
  if (event.who != "server" || is_end_asked_for(walk, walk.at)) return;
  Finding& finding =
      walk.add("invariant/alive", Grade::fail, fmt::format("the server died: it {}", event.text));
  finding.expected = "the same process, alive";
  finding.actual = event.text;
  const int step = step_before(walk, walk.at);
  if (step >= 0) {
    const PlannedStep& during = step_of(walk.plan, step);
    finding.step = step;
    finding.pointer = during.pointer;
    finding.client = during.client;
    finding.headline += fmt::format(", during or after '{}'", during.text);
  }
  finding.evidence = {walk.at};
}

/// Only a growth that comes back each time the steps are played again is a leak; one that comes
/// once is warm-up.
template <typename Count>
bool grows_each_time(const std::vector<const Event*>& samples, const Count& count,
                     std::uint64_t allowance) {
  if (samples.size() < 3) return false;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    if (count(*samples[i]->resources) <= count(*samples[i - 1]->resources) + allowance)
      return false;
  }
  return true;
}

void judge_growth(Walk& walk, const std::vector<const Event*>& samples) {
  struct Rule {
    const char* name;
    const char* headline;
    const char* unit;
    std::uint64_t (*count)(const Resources&);
    std::uint64_t allowance;
  };
  if (samples.empty()) return;
  const std::uint64_t memory =
      walk.plan.target.declares.allowed_memory_growth() + quarantine_of(*samples[0]->resources);
  const std::array<Rule, 6> rules{
      {{"descriptors", "descriptors leak", "descriptors",
        [](const Resources& r) { return static_cast<std::uint64_t>(r.descriptors); }, 0},
       {"threads", "threads pile up", "threads",
        [](const Resources& r) { return static_cast<std::uint64_t>(r.threads); }, 0},
       {"children", "child processes pile up", "processes",
        [](const Resources& r) { return static_cast<std::uint64_t>(r.processes); }, 0},
       {"zombies", "children that have ended are not waited for (zombies)", "zombies",
        [](const Resources& r) { return static_cast<std::uint64_t>(r.zombies); }, 0},
       {"close-wait", "connections whose clients are gone are kept (CLOSE_WAIT)",
        "sockets in CLOSE_WAIT",
        [](const Resources& r) { return static_cast<std::uint64_t>(r.close_wait); }, 0},
       {"memory", "memory leaks", "bytes resident",
        [](const Resources& r) { return r.resident_bytes; }, memory}}};
  bool has_children = false;
  for (const Rule& rule : rules) {
    if (!grows_each_time(samples, rule.count, rule.allowance)) continue;
    // A child that stays has threads and descriptors of its own: one finding, not three.
    const bool follows = has_children && (std::string_view(rule.name) == "threads" ||
                                          std::string_view(rule.name) == "descriptors");
    if (std::string_view(rule.name) == "children") has_children = true;
    if (follows) continue;
    Finding& finding =
        walk.add(fmt::format("invariant/{}", rule.name), Grade::fail,
                 fmt::format("{}: more each time the steps are played", rule.headline));
    std::string counts;
    for (const Event* sample : samples)
      counts +=
          fmt::format("{}{}", counts.empty() ? "" : ", ",
                      with_separators(static_cast<std::size_t>(rule.count(*sample->resources))));
    finding.expected = fmt::format(
        "back to {} {} once the clients are gone",
        with_separators(static_cast<std::size_t>(rule.count(*samples[0]->resources))), rule.unit);
    finding.actual = fmt::format("{} {} (before, and after each time)", counts, rule.unit);
    finding.evidence = {walk.at};
  }
}

void judge_restless(Walk& walk, std::size_t measured_at) {
  const Event& measured = walk.recording.events[measured_at];
  std::uint64_t usual = 0;
  for (std::size_t i = 0; i < measured_at; ++i) {
    const Event& event = walk.recording.events[i];
    if (event.kind == Kind::case_began) break;
    if (event.kind == Kind::measured_quiet) usual = event.number;
  }
  const double percent = static_cast<double>(measured.number) / 10000.0;
  const bool spins = measured.number > 2 * usual + 50000;
  Finding& finding =
      spins ? walk.add(
                  "invariant/quiet-cpu", Grade::fail,
                  fmt::format("the server spins: {:.0f} % of a CPU while nothing happens", percent))
            : walk.add("invariant/rest", Grade::unknown,
                       "the server did not come to rest, though it does not spin either");
  finding.expected = "a server that sleeps when there is nothing to do";
  finding.actual = fmt::format("{:.1f} % of a CPU, running or waiting for one, over {} ms", percent,
                               measured.text);
  for (std::size_t i = measured_at; i-- > 0;) {
    if (walk.recording.events[i].kind != Kind::restless) continue;
    finding.actual += "; " + walk.recording.events[i].text;
    break;
  }
  finding.evidence = {measured_at};
}

void judge_output(Walk& walk) {
  const Event& event = walk.event();
  if (event.text != "stderr" || event.who != "server") return;
  const Bytes text = event.content.copy(0, static_cast<std::size_t>(event.content.size()));
  for (const auto& [words, meaning] : kAlarms) {
    const std::size_t at = text.find(words);
    if (at == Bytes::npos) continue;
    Finding& finding = walk.add("invariant/stderr", Grade::fail, meaning);
    finding.expected = "no such message on stderr";
    finding.actual = quote(text.substr(at, text.find('\n', at) - at), 200);
    finding.evidence = {walk.at};
    return;
  }
}

void judge_left_over(Walk& walk) {
  // After a SIGKILL of ours nobody could clean up: that says nothing.
  for (std::size_t i = walk.at; i-- > 0;) {
    const Event& event = walk.recording.events[i];
    if (event.kind == Kind::signalled && event.text == "SIGKILL") return;
    if (event.kind == Kind::started && event.who == "server") break;
  }
  const Event& event = walk.event();
  Finding& finding =
      walk.add("invariant/left-over", Grade::fail,
               fmt::format("the server ended and left {} behind",
                           count_of(static_cast<std::size_t>(event.number), "process")));
  finding.expected = "nothing left after the stop";
  finding.actual = event.text;
  finding.evidence = {walk.at};
}

}  // namespace

std::uint64_t quarantine_of(const Resources& resources) {
  constexpr std::uint64_t kShadow = std::uint64_t{15} << 40U;  // an eighth of what can be addressed
  return resources.virtual_bytes < kShadow ? 0 : std::uint64_t{256} << 20U;
}

void judge_invariants(Walk& walk) {
  std::vector<const Event*> samples;  // the one before the case, then one a round
  const Event* last = nullptr;
  bool has_measured = false;  // one such finding tells enough
  const std::vector<Event>& events = walk.recording.events;
  const auto close_case = [&](std::size_t at) {
    walk.at = at;
    judge_growth(walk, samples);
    samples.clear();
  };
  for (walk.at = 0; walk.at < events.size(); ++walk.at) {
    const Event& event = events[walk.at];
    if (event.kind == Kind::case_began) {
      const std::size_t at = walk.at;
      close_case(at);
      walk.at = at;
      walk.case_index = static_cast<int>(event.number);
      if (last != nullptr) samples = {last};
    }
    if (event.kind == Kind::exited) judge_end(walk);
    if (event.kind == Kind::wrote) judge_output(walk);
    if (event.kind == Kind::left_over) judge_left_over(walk);
    const bool is_measured = event.kind == Kind::measured_quiet && walk.at > 0 &&
                             events[walk.at - 1].kind == Kind::restless;
    if (is_measured && !std::exchange(has_measured, true)) judge_restless(walk, walk.at);
    if (event.kind == Kind::sampled && event.resources && event.text != "step") {
      last = &event;
      if (event.text == "baseline")
        samples = {last};
      else
        samples.push_back(last);
    }
  }
  if (!events.empty()) close_case(events.size() - 1);
}

void judge_conversation(Walk& walk, const std::string& name) {
  ClientSoFar& client = walk.clients[name];
  if (client.has_finding) return;
  const Dialogue& dialogue = walk.plan.target.speaks;
  const auto found = [&](const std::string& headline, const std::string& expected,
                         const std::string& actual) {
    Finding& finding = walk.add("protocol", Grade::fail, headline);
    finding.expected = expected;
    finding.actual = actual;
    finding.client = name;
    finding.evidence = {walk.at};
    client.has_finding = true;
  };
  if (!client.strangers.empty())
    found("a datagram came from an address that was not asked",
          "replies from the address that the request went to (RFC 1122 4.1.3.5)",
          *client.strangers.begin());
  if (dialogue.style == Style::sink && client.received.size() > 0)
    return found("a server that must never answer has answered (RFC 863)", "nothing",
                 summary(client.received));
  const bool has_boundaries = keeps_boundaries(walk.plan.target.transport);
  const bool answers_each = dialogue.style == Style::echo || dialogue.style == Style::request_reply;
  if (has_boundaries && answers_each && client.messages_received > client.messages_sent) {
    return found("more replies than requests", count_of(client.messages_sent, "message"),
                 count_of(client.messages_received, "message"));
  }
  if (has_boundaries || dialogue.style != Style::echo) return;
  const Content echo = client.sent.echo_nearest_to(client.received);
  const std::uint64_t at = agreement(echo, client.received, 0);
  if (at == client.received.size()) return;
  found("what came back is not what was sent (RFC 862)", summary(client.sent.octets()),
        summary(client.received));
  const std::uint64_t from = at - std::min<std::uint64_t>(at, at % 16 + 16);
  walk.findings.back().difference = Difference{.at = at,
                                               .window_from = from,
                                               .expected = echo.copy(from, 48),
                                               .actual = client.received.copy(from, 48)};
}

}  // namespace sockdrill
