#pragma once

// From an input that showed something to what a person can act on.

#include <string>

#include "harness/fuzzer/trials.h"

namespace sockdrill {

/// How a finding is seen again.
struct SeenAgain {
  Target server;                       ///< the manifest that is written beside it
  std::vector<std::string> simulated;  ///< the command, but for the scenario's file
  std::vector<std::string> real;       ///< the same on the real kernel
  bool tries_real = false;             ///< is it to be played there, too, now?
};

/// A scenario from a file, as JSON or in the compact form, which of the two its first octet says.
Result<Scenario> read_input(const std::string& file, const Target& target);

/// Plays the scenario in `file` in a clean process, and says what it shows. 1: something; 0:
/// nothing; 2: it cannot be read.
int play_input(Trials& trials, const std::string& file);

/// The same, then minimised, and written into `folder`, which is made:
///
///   scenario.json   the smallest scenario that still shows it
///   report.txt      what it shows, the stack, the last calls, and how to see it again
///   output.txt      what the server wrote
///   server.json     a manifest of the server, for `sockdrill fuzz --play` and `sockdrill run`; of
///                   one that is linked with us, this very program
///   finding.json    rule, what, stack: for programs
///   recording.jsonl what happened, for `sockdrill judge` and `sockdrill replay`
///
/// When `file` shows nothing, but its history is there (history.h), it is played after those before
/// it, and all of that is minimised. Besides the answers of play_input(): 70, when no scenario can
/// be made of them, which is an error of ours.
int write_finding(Trials& trials, const std::string& file, const std::string& folder,
                  const SeenAgain& again);

/// Of a server that was linked with the fuzzer: the scenario is also played on the real kernel,
/// where `sockdrill` can be found. `self`: this program.
SeenAgain seen_again_by(const std::string& self, const Target& target,
                        const QuickPlayerOptions& place);

}  // namespace sockdrill
