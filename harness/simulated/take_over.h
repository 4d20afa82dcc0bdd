#pragma once

// Which of the processes that a command starts is the server: a preloaded library comes into all of
// them.

#include <string>

#include "harness/sim/libc/simulation.h"

namespace sockdrill {

/// Whether this process is the server that `variable` of the environment asks to be simulated. A
/// shell or another program that only starts the server (`sh start.sh`, `env A=b server`) is not:
/// the one that takes its place by execve(2) is, and what the script runs besides is real.
bool is_to_be_simulated(const char* variable);

/// The request's file that it names. Nothing of ours stays in the server's environment, which its
/// children and its own eyes see.
std::string take_request(const char* variable, sim::ServerProgram& program);

}  // namespace sockdrill
