#pragma once

#include <string>

namespace sockdrill {

/// Of this program, "MAJOR.MINOR.PATCH"; what a recording and a report carry.
std::string version();

}  // namespace sockdrill
