#pragma once

// What `sockdrill fuzz` asks of a server that it has started with libsockdrill-fuzz.so preloaded: a
// file of JSON, which a variable of the environment names.

#include <string>
#include <vector>

#include "harness/simulated/quick_player.h"
#include "harness/target/target.h"

namespace sockdrill {

inline constexpr const char* kFuzzVariable = "SOCKDRILL_FUZZ";

struct FuzzRequest {
  Target target;
  // Where the server was told to listen.
  std::uint16_t port = 0;
  std::string path;  ///< AF_UNIX
  /// For libFuzzer, or `--play FILE`, `--explain FILE FOLDER`; [0] is a program's name.
  std::vector<std::string> words;
  /// As identity_of() gives them: what is found again is passed over.
  std::vector<std::string> known;
  std::string counters;  ///< a file for FuzzCounters, mapped; "": nobody asks
  /// What is put before the names of files for the counts of the server's lines (LineCounters); "":
  /// nobody asks, and the server need not count any.
  std::string lines;
};

std::string write_fuzz_request(const FuzzRequest& request);
Result<FuzzRequest> read_fuzz_request(const std::string& text, const std::string& file);

/// What makes two suspicions the same: the rule, and what it says but for numbers.
std::string identity_of(const Suspicion& suspicion);

/// Of the file with the inputs before the one in a file of the same name without it (history.h).
inline constexpr const char* kHistoryEnding = ".history";

/// The status of one that wants to be started anew, with nothing found.
inline constexpr int kExitToGoOn = 75;  // EX_TEMPFAIL of sysexits.h

/// Counted by the one, read by the other.
struct FuzzCounters {
  std::uint64_t inputs = 0;
  std::uint64_t features = 0;  ///< seen at all
  std::uint64_t known = 0;     ///< findings that were passed over
};

}  // namespace sockdrill
