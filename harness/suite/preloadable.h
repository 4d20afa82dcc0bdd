#pragma once

// Whether a program lets a library be put before the C library's functions (ld.so(8), LD_PRELOAD).

#include <string>

namespace sockdrill {

/// Why nothing can be preloaded into it; "" when it can, as far as one sees.
std::string why_not_preloadable(const std::string& program);

}  // namespace sockdrill
