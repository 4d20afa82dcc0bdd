#pragma once

// Words that several reports share. Internal to report/.

#include <string>

#include "harness/report/report.h"

namespace sockdrill {

/// The worst finding's headline, or the verdict's reason; never empty.
std::string headline_of(const RunResult& result);

/// The same with a capital letter and a full stop.
std::string sentence(std::string text);

/// "1.24 s", "83 ms".
std::string duration(Nanoseconds span);

/// "600 passed, 3 failed, 1 unknown"; what is zero is left out.
std::string counts(const Totals& totals);

/// What the command's exit code says: "a check failed".
std::string exit_code_meaning(int exit_code);

}  // namespace sockdrill
