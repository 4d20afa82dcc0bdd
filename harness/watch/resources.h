#pragma once

// What processes hold: descriptors, memory, CPU time, children; and what the network namespace has
// counted. All of it read from /proc; a process that ends meanwhile counts as not there.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "harness/watch/task_table.h"
#include "harness/watch/watch.h"

namespace sockdrill {

/// Everything but `close_wait`.
Resources sample_tasks(const TaskTable& table);

/// The inodes of all sockets that these processes have open.
std::unordered_set<std::uint64_t> list_socket_inodes(const std::vector<pid_t>& pids);

/// "socket:[4711]" -> 4711.
std::optional<std::uint64_t> parse_socket_link(std::string_view link);
/// The value of `column` in the `table` ("Udp") of /proc/net/snmp, where a line of names comes
/// before a line of values.
std::optional<std::uint64_t> parse_snmp(std::string_view text, std::string_view table,
                                        std::string_view column);
/// The value of a line "Udp6InErrors 3" of /proc/net/snmp6.
std::optional<std::uint64_t> parse_snmp6(std::string_view text, std::string_view name);

}  // namespace sockdrill
