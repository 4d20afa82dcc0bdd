#pragma once

// A server under libFuzzer: it runs on from one input to the next, and after each one everything
// that clients hold is closed and drained, and a fresh client must be served.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/fuzzer/finding.h"
#include "harness/fuzzer/history.h"
#include "harness/simulated/quick_player.h"

namespace sockdrill {

struct ServerFuzzerOptions {
  QuickPlayerOptions place;
  std::string artifact_prefix;  ///< of files for what is found, as libFuzzer's option
  std::string explain;          ///< what is to be typed before such a file's name; "": nothing
  /// Called before a server is started, first and anew.
  std::function<void()> on_start;
  /// Called after each input that was played.
  std::function<void()> on_input;
  /// Says more of a suspicion, where there is more to say.
  std::function<void(Suspicion&)> refine;
  /// Whether it is known already, and to be passed over with a server started anew.
  std::function<bool(const Suspicion&)> is_known;
  /// Takes what is to be said, a line or more; without it that goes to stderr.
  std::function<void(const std::string&)> say;
};

class ServerFuzzer final {
 public:
  ServerFuzzer(sim::ServerProgram program, sim::ServerMemory memory, Target target,
               ServerFuzzerOptions options);
  ~ServerFuzzer();
  ServerFuzzer(const ServerFuzzer&) = delete;
  ServerFuzzer& operator=(const ServerFuzzer&) = delete;

  /// -1: no input, 0: it was played. What is found is written beside the others, and ends the
  /// process by abort(); a server that cannot be fuzzed ends it with status 2, and a reason on
  /// stderr.
  int run_one(std::string_view octets);
  /// The input that is being played is kept, with those before it, and a word is said about it.
  /// Good for signal handlers.
  void keep_input();
  /// The same, when it has been played for so long.
  void keep_late_input(std::chrono::seconds limit);
  /// A sanitizer ends the process, and this is what it has found: the input is kept, known or not,
  /// for as it is it would end each process that plays it.
  [[noreturn]] void die_of(const Suspicion& suspicion);
  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] sim::Simulation& simulation() { return simulation_; }

 private:
  void start();
  void say(const std::string& text) const;
  void refuse_what_is_not_simulated() const;
  [[noreturn]] void give_up(const std::string& why) const;
  [[noreturn]] void complain(const Suspicion& suspicion);

  Target target_;
  ServerFuzzerOptions options_;
  sim::Simulation simulation_;
  std::unique_ptr<QuickPlayer> player_;
  History history_;                   ///< the last of it is being played
  std::chrono::nanoseconds began_{};  ///< it; on a clock of the process
  bool is_input_kept_ = false;
};

/// Hands the inputs to libFuzzer; `words` are its command line. Its status, if it comes back.
int run_libfuzzer(ServerFuzzer& fuzzer, std::vector<std::string> words);

/// What `words` say last of a libFuzzer option, `name` being "-timeout="; "": nothing.
std::string option_in(const std::vector<std::string>& words, std::string_view name);

/// The words `PROGRAM --play FILE` and `PROGRAM --explain FILE [FOLDER]` carried out, as a status;
/// nothing: these are words for libFuzzer.
std::optional<int> carry_out_trial(const std::vector<std::string>& words, Trials& trials,
                                   const SeenAgain& again);

}  // namespace sockdrill
