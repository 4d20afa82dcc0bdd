#pragma once

// The last word before a sanitizer of the server's ends the process.

#include <functional>

namespace sockdrill {

/// From now on `last_word` is called then, outside of the simulation and instead of anybody else's;
/// the report is on stderr already. Without a sanitizer it never is.
void before_death_by_sanitizer(std::function<void()> last_word);

}  // namespace sockdrill
