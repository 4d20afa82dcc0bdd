#include "harness/fuzzer/server_fuzzer.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/fuzz/compact.h"
#include "harness/fuzz/join.h"
#include "harness/fuzzer/finding.h"
#include "harness/fuzzer/trials.h"

namespace sockdrill {

namespace {

/// So many inputs are kept, should a finding need those before it.
constexpr std::size_t kHistory = 64;

}  // namespace

ServerFuzzer::ServerFuzzer(sim::ServerProgram program, sim::ServerMemory memory, Target target,
                           ServerFuzzerOptions options)
    : target_(std::move(target)),
      options_(std::move(options)),
      simulation_(std::move(program), std::move(memory)) {}

ServerFuzzer::~ServerFuzzer() = default;

void ServerFuzzer::say(const std::string& text) const {
  if (options_.say)
    options_.say(text);
  else
    fmt::print(stderr, "{}", text);
}

void ServerFuzzer::give_up(const std::string& why) const {
  say(fmt::format("sockdrill: cannot be fuzzed: {}\n", why));
  ::_exit(2);
}

void ServerFuzzer::start() {
  if (options_.on_start) options_.on_start();
  history_.clear();
  // Of a server before this one (unix(7)).
  if (!options_.place.path.empty()) ::unlink(options_.place.path.c_str());
  player_ = std::make_unique<QuickPlayer>(simulation_, target_, options_.place);
  const Result<void> started = player_->start();
  if (started && simulation_.not_simulated().empty()) return;
  const std::string& what = simulation_.not_simulated();
  give_up(what.empty() ? started.error().message
                       : fmt::format("the server calls {}, which is not simulated", what));
}

int ServerFuzzer::run_one(std::string_view octets) {
  Scenario scenario = decode(octets, target_, kInputBudget);
  const Result<Plan> plan = plan_of_input(scenario, target_);
  // The server is not to blame, and neither is anything that was fuzzed.
  if (!plan) return -1;
  if (player_ == nullptr) start();
  history_.push_back(std::move(scenario));
  if (history_.size() > kHistory) history_.pop_front();
  std::optional<Suspicion> suspicion = player_->play(*plan);
  if (const std::string& what = simulation_.not_simulated(); !what.empty())
    give_up(fmt::format("the server calls {}, which is not simulated", what));
  if (options_.on_input) options_.on_input();
  if (!suspicion) return 0;
  if (options_.refine) options_.refine(*suspicion);
  if (!options_.is_known || !options_.is_known(*suspicion)) complain(*suspicion, octets);
  player_.reset();
  return 0;
}

/// The input, and beside it those before it as one scenario. LibFuzzer keeps the input as well, for
/// we abort.
void ServerFuzzer::complain(const Suspicion& suspicion, std::string_view octets) {
  const std::string file = fmt::format("{}found-{:016x}", options_.artifact_prefix,
                                       std::hash<std::string_view>{}(octets));
  const Scenario history = join({history_.begin(), history_.end()});
  for (const auto& written : {write_file(file + ".history", write_scenario(history).dump(2) + "\n"),
                              write_file(file, octets)})
    if (!written) say(fmt::format("{}: {}\n", file, describe(written.error())));
  say(fmt::format("sockdrill: {}: {}\n", suspicion.rule, suspicion.what));
  if (!options_.explain.empty())
    say(fmt::format("sockdrill: to minimise and explain it: {} {}\n", options_.explain, file));
  std::abort();
}

std::string artifact_prefix_in(const std::vector<std::string>& words) {
  constexpr std::string_view kPrefix = "-artifact_prefix=";
  std::string prefix;
  for (const std::string& word : words) {
    if (word.starts_with(kPrefix)) prefix = word.substr(kPrefix.size());
  }
  return prefix;
}

std::optional<int> carry_out_trial(const std::vector<std::string>& words, Trials& trials,
                                   const SeenAgain& again) {
  if (words.size() == 3 && words[1] == "--play") return play_input(trials, words[2]);
  if ((words.size() != 3 && words.size() != 4) || words[1] != "--explain") return std::nullopt;
  return write_finding(trials, words[2], words.size() == 4 ? words[3] : words[2] + ".finding",
                       again);
}

}  // namespace sockdrill
