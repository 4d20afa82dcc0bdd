#pragma once

#include <atomic>

namespace sockdrill {

/// From now on SIGINT and SIGTERM set what is returned, so that reports can be completed; the
/// second one ends us at once: the stages end with us, whatever we were doing. SIGPIPE is ignored.
const std::atomic<bool>& catch_interrupts();

}  // namespace sockdrill
