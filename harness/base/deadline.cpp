#include "harness/base/deadline.h"

#include <algorithm>

namespace sockdrill {

Nanoseconds monotonic_now() {
  return std::chrono::duration_cast<Nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

Nanoseconds Deadline::left() const { return std::max(Nanoseconds{0}, at_ - monotonic_now()); }

int Deadline::left_ms() const {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left()).count());
}

}  // namespace sockdrill
