#pragma once

// A difference in one sentence. Internal to report/.

#include <string>

#include "harness/judge/verdict.h"

namespace sockdrill {

/// "From octet 8,192 on came octets 9,216.. of client b's pattern ..."; "" when nothing can be
/// said.
std::string say_difference(const Difference& difference);

}  // namespace sockdrill
