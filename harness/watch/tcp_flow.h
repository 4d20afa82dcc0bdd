#pragma once

// What the state and the counters of a TCP socket mean. Pure; the facts are Linux's
// (net/ipv4/tcp*.c).

#include <cstdint>

#include "harness/watch/sock_diag.h"

namespace sockdrill {

/// 0.0.0.0 or ::, whatever the port.
bool is_any(const Endpoint& endpoint);

/// Closed by its owner; the kernel finishes alone.
bool is_orphan(const InetSocket& socket);
/// ESTABLISHED or CLOSE_WAIT without an owner: never accepted.
bool is_unaccepted(const InetSocket& socket);
/// The peer's FIN has come.
bool has_fin(SocketState state);
/// Our own FIN is queued or sent, but not acknowledged.
bool sends_fin(SocketState state);
/// recv() skips an urgent octet, but poll() does not tell of one that is all there is: tcp(7).
bool has_unread(const InetSocket& socket, bool ends_urgent);
/// Without the one that a FIN counts.
std::uint64_t payload_received(const TcpCounters& tcp);

enum class Flow { arrived, under_way, held_up, held_up_for_now };

/// Where the payload that `from` has to send stands, of which `missing` bytes have not arrived at
/// `to`. A window is closed for good only when both ends agree on zero: an update may be on its
/// way. A window that is open, but too small for the next segment, is filled by the probe timer:
/// held up for now. Either may be null: closed, and out of the tables.
Flow flow_of(std::uint64_t missing, const TcpCounters* from, std::uint8_t timer,
             const TcpCounters* to);

}  // namespace sockdrill
