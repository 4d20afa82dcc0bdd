#include "harness/fuzzer/server_fuzzer.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "harness/fuzz/compact.h"
#include "harness/fuzzer/trials.h"

namespace sockdrill {

namespace {

/// A few nanoseconds' work, and exact to some milliseconds (clock_gettime(2)).
std::chrono::nanoseconds coarse_time() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

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
  QuickPlayerOptions place = options_.place;
  place.on_play_again = [this] { history_.add_again(); };
  // Of a server before this one (unix(7)).
  if (!options_.place.path.empty()) ::unlink(options_.place.path.c_str());
  player_ = std::make_unique<QuickPlayer>(simulation_, target_, place);
  const Result<void> started = player_->start();
  refuse_what_is_not_simulated();
  if (!started) give_up(started.error().message);
}

void ServerFuzzer::refuse_what_is_not_simulated() const {
  if (const std::string& what = simulation_.not_simulated(); !what.empty())
    give_up(fmt::format("the server calls {}, which is not simulated", what));
}

int ServerFuzzer::run_one(std::string_view octets) {
  const std::optional<Bytes> form = form_of_input(octets, target_);
  if (!form) return -1;
  const Result<Plan> plan = plan_of_input(decode(*form, target_, kInputBudget), target_);
  // The server is not to blame, and neither is anything that was fuzzed.
  if (!plan) return -1;
  if (player_ == nullptr) start();
  history_.add(*form);
  began_ = coarse_time();
  std::optional<Suspicion> suspicion = player_->play(*plan);
  refuse_what_is_not_simulated();
  if (options_.on_input) options_.on_input();
  if (!suspicion) return 0;
  if (options_.refine) options_.refine(*suspicion);
  if (!options_.is_known || !options_.is_known(*suspicion)) complain(*suspicion);
  player_.reset();
  return 0;
}

void ServerFuzzer::complain(const Suspicion& suspicion) {
  say(fmt::format("sockdrill: {}: {}\n", suspicion.rule, suspicion.what));
  keep_input();
  std::abort();
}

void ServerFuzzer::die_of(const Suspicion& suspicion) {
  say(fmt::format("sockdrill: {}: {}\n", suspicion.rule, suspicion.what));
  keep_input();
  ::_exit(1);
}

void ServerFuzzer::keep_late_input(std::chrono::seconds limit) {
  constexpr std::chrono::milliseconds kExactness{10};
  const std::chrono::nanoseconds took = coarse_time() - began_;
  if (took + kExactness >= limit) keep_input();
}

void ServerFuzzer::keep_input() {
  if (std::exchange(is_input_kept_, true)) return;
  const char* const file = history_.write(options_.artifact_prefix);
  if (*file == '\0' || options_.explain.empty()) return;
  for (const std::string_view part : {std::string_view("sockdrill: to minimise and explain it: "),
                                      std::string_view(options_.explain), std::string_view(" "),
                                      std::string_view(file), std::string_view("\n")})
    static_cast<void>(!::write(STDERR_FILENO, part.data(), part.size()));
}

std::string option_in(const std::vector<std::string>& words, std::string_view name) {
  std::string value;
  for (const std::string& word : words) {
    if (word.starts_with(name)) value = word.substr(name.size());
  }
  return value;
}

std::optional<int> carry_out_trial(const std::vector<std::string>& words, Trials& trials,
                                   const SeenAgain& again) {
  if (words.size() == 3 && words[1] == "--play") return play_input(trials, words[2]);
  if ((words.size() != 3 && words.size() != 4) || words[1] != "--explain") return std::nullopt;
  return write_finding(trials, words[2], words.size() == 4 ? words[3] : words[2] + ".finding",
                       again);
}

}  // namespace sockdrill
