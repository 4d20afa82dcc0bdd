#pragma once

// A library that is put before the C library's functions in a program (ld.so(8), LD_PRELOAD).

#include <map>
#include <string>

namespace sockdrill {

/// Why nothing can be preloaded into it; "" when it can, as far as one sees.
std::string why_not_preloadable(const std::string& program);

/// Has `library` preloaded by a program that is started with this environment, and gives what was
/// built with sanitizers the options it then needs, after those that are there.
void preload(const std::string& library, std::map<std::string, std::string>& environment);

}  // namespace sockdrill
