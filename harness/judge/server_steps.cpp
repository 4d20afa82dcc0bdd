// What the outcome of a server's step says.

#include <algorithm>

#include <fmt/format.h>
#include <cstring>

#include "harness/judge/step_findings.h"

namespace sockdrill {

namespace {

/// "on the same address", as a second instance's step has it.
std::string place_of(const Second& second) {
  if (second.path_bytes)
    return fmt::format("told a path of {}",
                       count_of(static_cast<std::size_t>(*second.path_bytes), "byte"));
  if (second.port == Second::Port::privileged) return "without a right to its port";
  if (second.port == Second::Port::zero) return "told port 0";
  return "on the same address";
}

std::string output_of(const Walk& walk, const std::vector<std::size_t>& events) {
  std::string output;
  for (const std::size_t index : events) {
    if (walk.recording.events[index].kind == Kind::wrote)
      output += walk.recording.events[index].content.copy(0, 65536);
  }
  return output;
}

/// Whether a number stands in a text, and not as a part of another one.
bool names_number(const std::string& text, const std::string& number) {
  const auto is_digit = [&](std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
  };
  for (std::size_t at = text.find(number); at != std::string::npos;
       at = text.find(number, at + 1)) {
    if (!is_digit(at - 1) && !is_digit(at + number.size())) return true;
  }
  return false;
}

/// It was told port 0, and lives.
void judge_reported_port(Walk& walk, const PlannedStep& step,
                         const std::vector<std::size_t>& events, const std::string& output) {
  const Event* listening = find(walk, events, Kind::listening);
  const std::string port =
      listening == nullptr ? "" : listening->text.substr(listening->text.rfind(':') + 1);
  if (listening != nullptr && names_number(output, port)) return;
  Finding& finding = walk.add(
      "step", walk.grade_of_level(),
      listening == nullptr
          ? "told port 0, the server neither listens nor ends"
          : fmt::format("told port 0, the server listens on port {} and does not say so", port));
  finding.symptom = listening == nullptr ? Symptom::other : Symptom::port_unsaid;
  finding.expected = listening == nullptr ? "it listens, or ends with a status other than 0"
                                          : fmt::format("{} in its output", port);
  finding.actual = output.empty() ? "no output" : quote(output, 200);
  place(finding, step, events);
}

void judge_lives_on(Walk& walk, const PlannedStep& step, const Second& second,
                    const std::vector<std::size_t>& events) {
  const bool is_usual = second.port == Second::Port::usual && !second.path_bytes;
  Finding& finding =
      walk.add("step", walk.grade_of_level(),
               is_usual ? "a second instance on the same address starts and stays: both believe "
                          "that they serve it"
                        : fmt::format("a second instance, {}, starts and stays as if it listened",
                                      place_of(second)));
  finding.symptom = is_usual            ? Symptom::second_lives
                    : second.path_bytes ? Symptom::path_cut_off
                                        : Symptom::refusal_unseen;
  finding.expected = fmt::format(
      "the second instance ends by itself, with a status other than 0 and {} in its output",
      second.says == "anything" ? "the reason" : second.says);
  const Event* listening = find(walk, events, Kind::listening);
  finding.actual = listening == nullptr
                       ? "it lives on"
                       : fmt::format("it lives on, and listens on {}", listening->text);
  place(finding, step, events);
}

void judge_second(Walk& walk, const PlannedStep& step, const Second& second,
                  const std::vector<std::size_t>& events, const std::string& ended) {
  const Event* exited = find(walk, events, Kind::exited);
  const std::string output = output_of(walk, events);
  if (ended == "unmet" || exited == nullptr) {
    if (second.port == Second::Port::zero) return judge_reported_port(walk, step, events, output);
    return judge_lives_on(walk, step, second, events);
  }
  if (exited->number == 0) {
    Finding& finding =
        walk.add("step", walk.grade_of_level(),
                 fmt::format("a second instance, {}, ends with status 0, as if all were well",
                             place_of(second)));
    finding.symptom = Symptom::refusal_unseen;
    finding.expected = "a status other than 0";
    finding.actual = exited->text;
    return place(finding, step, events);
  }
  const bool says_anything = second.says == "anything";
  const Errno error = says_anything ? Errno{} : errno_named(second.says);
  if (says_anything ? !output.empty() : names(output, error)) return;
  Finding& finding = walk.add(
      "step", Grade::warn,
      says_anything
          ? fmt::format("the second instance, {}, ends without a word", place_of(second))
          : fmt::format("the second instance does not say why it cannot start: neither {} nor "
                        "'{}' is in its output",
                        second.says, ::strerrordesc_np(error.value)));
  finding.expected = says_anything ? "a message" : second.says;
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
  if (declared.empty() ? is_usual : is_listed) return;
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

void judge_server_step(Walk& walk, const PlannedStep& step, const ServerAction& action,
                       const std::vector<std::size_t>& events) {
  const std::string& ended = walk.event().text;
  if (const auto* second = std::get_if<Second>(&action))
    return judge_second(walk, step, *second, events, ended);
  if (std::holds_alternative<Restart>(action)) return judge_restart(walk, step, events, ended);
  if (const auto* expect = std::get_if<ServerExpect>(&action))
    return judge_server_expect(walk, step, *expect, events, ended);
  if (ended == "deadline") undecided(walk, step, events);
}

}  // namespace sockdrill
