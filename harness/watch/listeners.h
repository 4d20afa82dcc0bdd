#pragma once

// Which sockets of a dump the server listens on. Pure.

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "harness/watch/standing.h"
#include "harness/watch/watch.h"

namespace sockdrill {

/// The sockets that are the server's: all but ours when the namespace is its own; otherwise those
/// that it has open.
struct Ownership {
  bool is_isolated = true;
  std::unordered_set<std::uint64_t> ours;
  std::unordered_set<std::uint64_t> servers;  ///< only asked when not isolated

  [[nodiscard]] bool is_servers(std::uint64_t inode) const {
    return !ours.contains(inode) && (is_isolated || servers.contains(inode));
  }
};

std::vector<Listener> find_listeners(const SocketTables& tables, const Ownership& ownership);
/// The server's TCP sockets in CLOSE_WAIT that it has accepted.
int count_close_wait(const SocketTables& tables, const Ownership& ownership);

}  // namespace sockdrill
