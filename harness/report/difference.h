#pragma once

// A difference in words. Internal to report/.

#include <string>
#include <vector>

#include "harness/judge/verdict.h"

namespace sockdrill {

/// "From octet 8,192 on came octets 9,216.. of b's pattern ..."; "" when nothing can be said.
/// `clients`: those whose names may stand for the keys of patterns.
std::string say_difference(const Difference& difference, const std::vector<std::string>& clients);

/// draw_difference() of report.h, with such names.
std::string draw_difference(const Difference& difference, const std::vector<std::string>& clients,
                            bool color);

}  // namespace sockdrill
