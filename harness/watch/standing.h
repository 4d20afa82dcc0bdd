#pragma once

// How the sockets stand: is anything under way between clients and server, does anything wait?
//
// Pure: from one dump and the player's list of clients to a Standing. Causes only: a byte is under
// way while the receiving TCP has not counted it; a reset or a FIN while the other end still shows
// the old state. What the tables alone cannot tell from a packet that is lost (a server's end that
// is missing, an acknowledgement of a handshake) is put into `doubt`: it is at rest if, and only
// if, nothing is queued inside the kernel's network at that moment.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "harness/watch/sock_diag.h"
#include "harness/watch/watch.h"

namespace sockdrill {

struct Standing {
  std::string under_way;  ///< not empty: something moves, or a timer of the kernel's will move it
  std::string waiting;    ///< not empty: input unread, a connection unaccepted, output held up
  std::vector<std::uint64_t> unread_of;  ///< inodes of the clients whose input is not all read
  std::string doubt;                     ///< not empty: see above
  bool has_datagrams = false;  ///< a UDP datagram shows nowhere until it is queued at a socket
  bool is_soft = false;  ///< a timer of the kernel's (window probe, SYN-ACK) may still change it
  /// Ends of connections of which the tables cannot say whether the server has noticed them:
  /// resets, and every end of an AF_UNIX connection. (A TCP FIN counts as a byte until it is read.)
  std::uint64_t unseen_ends = 0;
  std::uint64_t fingerprint = 0;  ///< equal as long as nothing about these sockets changed
  bool operator==(const Standing&) const = default;
};

/// The numbers of an open client socket that is not in the dump (it was reset, or lives in another
/// network namespace): TCP_INFO.
using AskClient = std::function<std::optional<TcpCounters>(Fd)>;

Standing judge_sockets(const SocketTables& tables, const std::vector<ClientSocket>& clients,
                       const WatchOptions& options, const AskClient& ask);

/// The parts of judge_sockets(), by family.
void judge_tcp(const SocketTables& tables, const std::vector<ClientSocket>& clients,
               const WatchOptions& options, const AskClient& ask, Standing& standing);
void judge_udp(const SocketTables& tables, const std::vector<ClientSocket>& clients,
               const WatchOptions& options, Standing& standing);
void judge_unix(const SocketTables& tables, const std::vector<ClientSocket>& clients,
                const WatchOptions& options, Standing& standing);

/// The first reason is kept: one is enough, and a thousand would be no help.
template <typename Make>
void note(std::string& reason, Make make) {
  if (reason.empty()) reason = make();
}
/// Mixes one socket into a fingerprint that does not depend on the order of the dump.
void mix(Standing& standing, std::initializer_list<std::uint64_t> values);

}  // namespace sockdrill
