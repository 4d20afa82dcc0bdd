#pragma once

// What this machine allows, found out once at start; and our own home namespaces.
//
// enter_home() is called first thing in main, while there is one thread. An ordinary user (or a
// root without CAP_SYS_ADMIN) gets a user namespace of its own, in which it is root over every
// network namespace that it makes; real root needs none. Both get a home network namespace, so that
// one code path serves both and nothing of ours ever touches the host's network.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/fd.h"
#include "harness/base/result.h"

namespace sockdrill {

/// One line of `sockdrill doctor`.
struct Feature {
  std::string name;  ///< "network namespaces"
  bool available = false;
  std::string
      detail;  ///< what was found; when missing: what the kernel said, and what to do about it
  std::string costs;  ///< what is lost without it: "checks run on the host's loopback, one at a
                      ///< time a port"
};

struct Home {
  bool isolated = false;     ///< namespaces work: stages are isolated; otherwise degraded
  std::string why_degraded;  ///< what the kernel said, for the warning
  OwnedFd network;           ///< our home netns; kNoFd when degraded
  std::string
      agent_path;  ///< the static agent: libexec/sockdrill/sockdrill-agent beside our own binary
  /// The soft RLIMIT_NOFILE that we were started with. Servers get it, even where we have raised
  /// our own for the sake of crowds.
  std::uint64_t soft_descriptors = 0;
};

/// Single-threaded. `wants_isolation` false gives the degraded mode on purpose (`--no-isolation`,
/// tests).
Result<Home> enter_home(bool wants_isolation);

/// Looks at everything the stage, the watch (and later fault and link) can use. Starts nothing that
/// stays.
std::vector<Feature> examine(const Home& home);

}  // namespace sockdrill
