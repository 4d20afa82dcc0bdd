#pragma once

// The facts of one moment for a diagnosis: threads, sockets and how epoll watches them, signals.
// All of it read from /proc and the socket tables; nothing is asked of the server itself.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/recording/snapshot.h"
#include "harness/watch/standing.h"
#include "harness/watch/task_table.h"

namespace sockdrill {

/// The table is fresh. The first of `processes` is the one whose signals and limit are told.
Snapshot observe(const TaskTable& table, const SocketTables& sockets,
                 const std::vector<pid_t>& processes);

struct EpollEntry {
  int descriptor = -1;
  std::uint32_t events = 0;
  bool operator==(const EpollEntry&) const = default;
};
/// The "tfd" lines in /proc/PID/fdinfo/FD of an epoll descriptor.
std::vector<EpollEntry> parse_epoll(std::string_view fdinfo);
/// "level", "edge" or "one-shot".
std::string way_of(std::uint32_t epoll_events);
/// "in out rdhup".
std::string words_of(std::uint32_t epoll_events);
/// The hexadecimal mask behind `key` ("SigCgt") in /proc/PID/status.
std::optional<std::uint64_t> parse_mask(std::string_view status, std::string_view key);

}  // namespace sockdrill
