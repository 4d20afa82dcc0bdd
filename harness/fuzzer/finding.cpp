#include "harness/fuzzer/finding.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/run_program.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/fuzz/ask.h"
#include "harness/fuzz/compact.h"
#include "harness/fuzz/join.h"
#include "harness/fuzz/minimise.h"
#include "harness/fuzzer/history.h"
#include "harness/fuzzer/source_lines.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostTrials = 400;
constexpr std::size_t kMostTrialsOfHistory = 2000;  ///< it is much larger

/// Of the words of a command line with a fixed port and path, those with placeholders.
std::vector<std::string> with_placeholders(std::vector<std::string> words,
                                           const QuickPlayerOptions& place) {
  for (std::string& word : words) {
    replace_all(word, std::to_string(place.port), "{port}");
    replace_all(word, place.path, "{path}");
  }
  return words;
}

/// Its last part, as an id may be written.
std::string id_of(const std::string& folder) {
  std::string id = std::filesystem::path(folder).filename().string().substr(0, 80);
  for (char& c : id) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) c = '-';
  }
  while (id.ends_with('-')) id.pop_back();
  while (id.starts_with('-')) id.erase(0, 1);
  return id.empty() ? "input" : id;
}

/// Beside us in the build, or in PATH.
std::string find_sockdrill(const std::string& self) {
  for (const char* beside : {"../bin/sockdrill", "sockdrill"}) {
    const std::filesystem::path path = std::filesystem::path(self).parent_path() / beside;
    if (::access(path.c_str(), X_OK) == 0) return path.lexically_normal();
  }
  return "sockdrill";
}

/// The exit status of a program, of which nobody reads what it says; -1: it could not be run.
int run_quietly(std::vector<std::string> words) {
  const ProgramRan ran = run_program(std::move(words));
  return ran.error.value == 0 && WIFEXITED(ran.status) ? WEXITSTATUS(ran.status) : -1;
}

std::string in_the_real_world(const Scenario& scenario, int status) {
  if (scenario.needs_simulated_kernel())
    return "only the simulated kernel can be asked for its faults or its schedule";
  switch (status) {
    case 0:
      return "only the simulated kernel shows it: on the real one the same scenario passes";
    case 1:
      return "the real kernel shows a failure, too";
    case -1:
      return "not tried on the real kernel: `sockdrill` was not found";
    default:
      return fmt::format("could not be decided on the real kernel (exit code {})", status);
  }
}

/// False, with a word on stderr, when the disk does not take them.
bool write_files(const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& files) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fmt::print(stderr, "{}: {}\n", folder, error.message());
  for (const auto& [name, text] : files) {
    const std::string file = folder + "/" + name;
    const SysResult<void> written = error ? SysResult<void>{} : write_file(file, text);
    if (!written) fmt::print(stderr, "{}: {}\n", file, describe(written.error()));
    if (error || !written) return false;
  }
  return true;
}

/// A frame of the simulated kernel's, below main() or a thread's function.
bool is_ours(std::string_view line) {
  return line.starts_with("    #") &&
         (line.find("sockdrill::sim::") != line.npos || line.find("sockdrill_sim_") != line.npos);
}

/// The report of a sanitizer, without its legend.
std::string stack_in(const std::string& output) {
  const std::size_t from = find_report(output);
  if (from == std::string::npos) return {};
  const std::size_t begin = output.rfind('\n', from) + 1;
  const std::size_t end = output.find("SUMMARY: ", from);
  std::string stack;
  for (const std::string& line : split(output.substr(begin, end - begin), '\n')) {
    if (!is_ours(line)) stack += line + "\n";
  }
  return stack;
}

std::vector<Scenario> last_of(const std::vector<Bytes>& history, std::size_t count,
                              const Target& target) {
  std::vector<Scenario> inputs;
  for (std::size_t i = history.size() - count; i < history.size(); ++i)
    inputs.push_back(decode(history[i], target, kInputBudget));
  return inputs;
}

/// Nothing but one request, of one client, on a kernel that does what it is asked: whoever wrote
/// the dialogue may as well be wrong as the server.
bool is_a_first_request(const Scenario& scenario) {
  if (scenario.steps.size() != 2 || scenario.needs_simulated_kernel()) return false;
  const auto* const step = std::get_if<ClientStep>(&scenario.steps[1].what);
  const auto* const exchange = step != nullptr ? std::get_if<ExchangeStep>(&step->action) : nullptr;
  return exchange != nullptr && exchange->cut == Cut{};
}

bool is_same(const std::optional<Suspicion>& again, const Suspicion& first) {
  return again && again->rule == first.rule && (first.rule != "crash" || again->what == first.what);
}

}  // namespace

Result<Scenario> read_input(const std::string& file, const Target& target) {
  const SysResult<std::string> octets = read_file(file);
  if (!octets) return fail(file + ": " + describe(octets.error()));
  return scenario_of_input(*octets, target);
}

int play_input(Trials& trials, const std::string& file) {
  const Result<Scenario> scenario = read_input(file, trials.target());
  if (!scenario) {
    fmt::print(stderr, "{}\n", to_string(scenario.error()));
    return 2;
  }
  const std::optional<Suspicion> shown = trials.play(*scenario);
  fmt::print("{}\n", shown ? shown->rule + ": " + shown->what : "nothing is wrong");
  return shown ? 1 : 0;
}

SeenAgain seen_again_by(const std::string& self, const Target& target,
                        const QuickPlayerOptions& place) {
  SeenAgain again{.server = target,
                  .simulated = {self, "--play"},
                  .real = {find_sockdrill(self), "run"},
                  .tries_real = true};
  again.server.command = {"env", "SOCKDRILL_AS_SERVER=1", std::filesystem::absolute(self)};
  const std::vector<std::string> words = with_placeholders(target.command, place);
  again.server.command.insert(again.server.command.end(), words.begin() + 1, words.end());
  return again;
}

int write_finding(Trials& trials, const std::string& file, const std::string& folder,
                  const SeenAgain& again) {
  Result<Scenario> scenario = read_input(file, trials.target());
  if (!scenario) {
    fmt::print(stderr, "{}\n", to_string(scenario.error()));
    return 2;
  }
  std::optional<Suspicion> shown = trials.play_briefly(*scenario);
  const auto shows_the_same = [&](const Scenario& candidate) {
    return is_same(trials.play_briefly(candidate), *shown);
  };
  const auto together = [&](const std::vector<Scenario>& some) {
    return join(some, trials.target().transport);
  };
  std::size_t inputs = 1;
  if (!shown && std::filesystem::exists(history_file_of(file))) {
    const Result<std::vector<Bytes>> history = read_history(history_file_of(file));
    if (!history) {
      fmt::print(stderr, "{}\n", to_string(history.error()));
      return 2;
    }
    while (!shown && inputs < history->size()) {
      inputs = std::min(history->size(), 4 * inputs);
      const Scenario joined = together(last_of(*history, inputs, trials.target()));
      if (const Result<Plan> plan = plan_of_input(joined, trials.target()); !plan) {
        fmt::print(stderr, "{}: {} inputs are no scenario together: {}\n", file, inputs,
                   to_string(plan.error()));
        return 70;
      }
      shown = trials.play_briefly(joined);
    }
    if (shown)
      scenario = together(minimise_inputs(
          last_of(*history, inputs, trials.target()),
          [&](const std::vector<Scenario>& some) { return shows_the_same(together(some)); },
          kMostTrials));
  }
  if (!shown) {
    fmt::print(
        "{} shows nothing in a clean process{}\n", file,
        inputs > 1 ? fmt::format(", and neither do the {} inputs before it", inputs - 1) : "");
    return 0;
  }
  const Minimised smallest =
      minimise(make_legal(*scenario, trials.target()), trials.target(), shows_the_same,
               inputs > 1 ? kMostTrialsOfHistory : kMostTrials);
  Scenario small = smallest.scenario;
  // Replies that nobody expects cannot be missed, neither by the report nor on the real kernel.
  if (shown->rule == "protocol") small = ask_for_replies(small, trials.target(), shows_the_same);
  small.id = "found/" + id_of(folder);
  std::error_code error;
  std::string calls;
  const Suspicion last = trials.play(small, &calls).value_or(*shown);
  small.summary = last.rule + ": " + last.what;
  const std::string output = trials.output();
  const std::string explained = trials.explain(small);

  const std::string stack =
      with_source_lines(stack_in(output), program_invocation_short_name,
                        std::filesystem::read_symlink("/proc/self/exe", error));
  const Json summary{{"rule", last.rule},
                     {"what", last.what},
                     {"stack", stack},
                     {"needs_history", inputs > 1},
                     {"trials", smallest.trials}};
  if (!write_files(folder, {{"scenario.json", write_scenario(small).dump(2) + "\n"},
                            {"server.json", write_target(again.server).dump(2) + "\n"},
                            {"finding.json", summary.dump(2) + "\n"},
                            {"recording.jsonl", trials.recording()},
                            {"output.txt", output}}))
    return 2;
  const auto command = [&](std::vector<std::string> words, bool names_server) {
    words.push_back(folder + "/scenario.json");
    if (names_server) words.insert(words.end(), {"-t", folder + "/server.json"});
    return words;
  };
  std::vector<std::string> simulated = command(again.simulated, !again.tries_real);
  const std::vector<std::string> real = command(again.real, true);
  const bool can_be_real = !small.needs_simulated_kernel();

  std::string report = fmt::format("{}: {}\n", last.rule, last.what);
  report += fmt::format("found by {} with {}{}\nminimised in {} trials\n", trials.target().name,
                        file, inputs > 1 ? " and inputs before it" : "", smallest.trials);
  if (last.rule == "protocol" && is_a_first_request(small))
    report += "a client's first request shows it: is the dialogue right?\n";
  if (again.tries_real)
    report += in_the_real_world(small, can_be_real ? run_quietly(real) : -1) + "\n";
  report += "\nsee it again:\n";
  report += fmt::format("  simulated kernel: {}\n", fmt::join(simulated, " "));
  if (can_be_real) report += fmt::format("  real kernel:      {}\n", fmt::join(real, " "));
  if (!explained.empty()) report += "\n" + explained;
  if (!stack.empty()) report += "\n" + stack;
  report += "\nthe server's last calls (thread: call(descriptor, octets) = answer):\n" + calls;
  if (!write_files(folder, {{"report.txt", report}})) return 2;
  fmt::print("{}", report.substr(0, report.find("\n\n", report.find("see it again")) + 1));
  fmt::print("all of it: {}/report.txt\n", folder);
  return 1;
}

}  // namespace sockdrill
