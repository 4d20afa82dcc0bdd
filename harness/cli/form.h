#pragma once

// What encode, decode and dictionary have in common.

#include <string_view>

#include "harness/cli/arguments.h"

namespace sockdrill {

/// The server named, or one such as the scenario is for. It is not started: its command is a
/// made-up one.
Result<Target> target_of(const Installation& installation, const FormArguments& form,
                         const Applies& applies);

/// To a file, or to standard output for "".
Result<void> write_output(const std::string& path, std::string_view octets);

}  // namespace sockdrill
