#include "harness/base/version.h"

namespace sockdrill {

std::string version() { return SOCKDRILL_VERSION; }

}  // namespace sockdrill
