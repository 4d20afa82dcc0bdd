#pragma once

// What the command and a server that it has started for a simulated run tell each other, as files:
// what is to be played, and what came of it.

#include <cstdint>
#include <string>

#include "harness/recording/recording.h"

namespace sockdrill {

struct SimulationRequest {
  Recording head;  ///< no events: what plan_of_recording() needs
  // Where the server was told to listen.
  std::uint16_t port = 0;
  std::string path;  ///< AF_UNIX
};

struct SimulationResult {
  Recording recording;
  bool was_started = false;
  /// What cannot be simulated ("it calls posix_spawn", "the check runs a program"); "": nothing. If
  /// there is something the recording means nothing.
  std::string why_not;
};

/// The variable of the environment that names the request's file, and so asks the preloaded library
/// to simulate.
inline constexpr const char* kSimulationVariable = "SOCKDRILL_SIMULATION";
/// Beside the request's file.
std::string result_file_of(const std::string& request_file);

std::string write_request(const SimulationRequest& request);
Result<SimulationRequest> read_request(const std::string& text, const std::string& file);
std::string write_result(const SimulationResult& result);
Result<SimulationResult> read_result(const std::string& text, const std::string& file);

}  // namespace sockdrill
