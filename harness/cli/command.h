#pragma once

// The subcommands: each adds itself to the parser and says what to do when it was chosen. Nothing
// but argument parsing and wiring.

#include <functional>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "harness/base/result.h"

namespace sockdrill {

/// What a chosen subcommand does; its result is the exit code.
using Action = std::function<int()>;

void add_run(CLI::App& app, Action& chosen);
void add_list(CLI::App& app, Action& chosen);
void add_lint(CLI::App& app, Action& chosen);
void add_explain(CLI::App& app, Action& chosen);
void add_plan(CLI::App& app, Action& chosen);
void add_judge(CLI::App& app, Action& chosen);
void add_replay(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);

/// `sockdrill: where: message` on stderr; the exit code for bad usage.
int complain(const Error& error);
/// To standard output; what cannot be written there is lost on purpose (a closed pipe).
void print(std::string_view text);

}  // namespace sockdrill
