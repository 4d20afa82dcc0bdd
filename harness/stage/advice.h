#pragma once

// What a person can do where the kernel refuses.

#include <string>

namespace sockdrill {

/// "; run sysctl -w ..." when we see why namespaces are refused here; otherwise "".
std::string namespace_advice();

}  // namespace sockdrill
