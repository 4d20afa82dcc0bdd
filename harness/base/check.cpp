#include "harness/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sockdrill {

void check_failed(const char* condition, const char* message, const char* file, int line) {
  static_cast<void>(std::fprintf(stderr, "sockdrill: an error of ours at %s:%d: %s (%s)\n", file,
                                 line, message, condition));
  std::abort();
}

}  // namespace sockdrill
