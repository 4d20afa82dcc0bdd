#pragma once

// What the subcommands that deal with compact forms, or write what they have made, have in common.

#include <string_view>

#include "harness/cli/arguments.h"
#include "harness/fuzz/compact.h"

namespace sockdrill {

/// The server named, or one such as the scenario is for. It is not started: its command is a
/// made-up one.
Result<Target> target_of(const Installation& installation, const FormArguments& form,
                         const Applies& applies);

/// The form, once it is sure that it stands for this very scenario.
Result<Bytes> encode_case(const Scenario& scenario, const Target& target, Texts texts);

/// To a file, or to standard output for "".
Result<void> write_output(const std::string& path, std::string_view octets);

}  // namespace sockdrill
