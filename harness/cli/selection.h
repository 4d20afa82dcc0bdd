#pragma once

// From what was typed about servers and parameters to what is meant.

#include "harness/cli/arguments.h"

namespace sockdrill {

/// The targets meant. The error is about an option.
Result<std::vector<Target>> select(const Installation& installation,
                                   const TargetArguments& arguments);

/// The options again, for the line that repeats a run; "" when bundled targets were named.
std::string repeat(const TargetArguments& arguments);

/// `size=512` pairs of --set; a value is JSON when it reads as JSON, text otherwise.
Result<Bindings> read_bindings(const std::vector<std::string>& pairs);

}  // namespace sockdrill
