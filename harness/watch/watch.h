#pragma once

// Sees a server from outside: its tasks through /proc, its sockets through sock_diag(7).
//
// The one question that everything else stands on is "is the server at rest?", asked by look(). It
// is answered from causes, never from the passing of time alone:
//   A  every thread is off the CPU (its /proc/T/syscall is not "running"); its run count is noted
//   S  the sockets: everything that our clients sent has been received by the server's sockets and
//      read by the server (or is left unread), and what it sent has reached our clients (or waits
//      for a closed window)
//   B  the same threads, none runnable, the same run counts
// An unchanged run count proves that a thread never ran between A and B; so S was true of a
// sleeping server.
//
// A Watcher is used from one thread. It holds a netlink socket and no lock. Reading /proc of a
// process that ends meanwhile is not an error: it is a process less.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/address.h"
#include "harness/base/deadline.h"
#include "harness/base/fd.h"
#include "harness/base/result.h"
#include "harness/recording/resources.h"
#include "harness/recording/snapshot.h"

namespace sockdrill {

/// One of our clients' sockets, as the player knows it. The watcher reads, never writes.
struct ClientSocket {
  Transport transport = Transport::tcp;
  Fd fd = kNoFd;            ///< kNoFd once we have closed or reset it
  std::uint64_t inode = 0;  ///< of our socket (fstat(2) st_ino), kept after closing
  SocketAddress local;
  SocketAddress remote;
  std::uint64_t sent_bytes = 0;     ///< octets the kernel took from us
  std::uint64_t sent_messages = 0;  ///< datagrams and seqpackets
  bool fin_sent = false;            ///< shutdown(SHUT_WR) or an orderly close
  bool reset_sent = false;          ///< closed with SO_LINGER {1,0}
  bool established = false;         ///< connect() has succeeded
  bool ends_urgent = false;  ///< the last octet sent was urgent (MSG_OOB): it may stand unread
};

enum class Rest {
  busy,     ///< something runs, or something is under way between client and server
  settled,  ///< everything sent was read, everything written has arrived, every thread sleeps
  blocked,  ///< every thread sleeps, nothing is under way, but input stands unread, a connection
            ///< unaccepted or output waits for a client that does not read: nothing will happen
            ///< until a client does something
  gone,     ///< no process is left
};
std::string to_string(Rest rest);

struct RestReport {
  Rest rest = Rest::busy;
  /// No timer of the server can still change this: every thread in a *timed* wait (epoll_wait with
  /// a timeout, nanosleep, SO_RCVTIMEO ...) has waited its timeout out (3 s at most) and gone on
  /// waking by timers for a second since the sockets came to rest, or has no timer left, or cannot
  /// be woken by it within 3 s; armed timerfds likewise. A verdict that something did NOT happen
  /// needs a firm rest. Hidden timers are looked for at the second look at a rest: the first is
  /// never firm, unless the server is stopped.
  bool is_firm = false;
  /// A thread sleeps for time only, as between two tries: what it does next nobody can know,
  /// however often it has slept.
  bool sleeps_blindly = false;
  bool is_heuristic =
      false;            ///< a busy poller: judged from consumed CPU time instead of from sleep
  std::string because;  ///< "12 bytes unread on 127.0.0.1:7 <- 127.0.0.1:40312", "thread 4711 is
                        ///< running in read(2)"
  std::vector<std::uint64_t> unread_of;  ///< at rest: inodes of the clients whose input the server
                                         ///< has not read to the end (TCP, AF_UNIX)
};

struct Listener {
  Transport transport = Transport::tcp;
  SocketAddress address;  ///< for AF_UNIX the path as bound (inside the stage)
  std::uint64_t inode = 0;
  std::uint32_t queued = 0;   ///< connections waiting for accept
  std::uint32_t backlog = 0;  ///< the limit of that queue
};

struct WatchOptions {
  bool isolated = true;  ///< every socket of the network namespace that is not ours is the server's
  bool polls = false;  ///< the server declares that it polls: rest may be judged from consumed CPU
  /// Whether a relay of ours between clients and server holds no packet; empty when there is none.
  std::function<bool()> is_path_quiet = {};
};

/// How many descriptors of ours a watcher keeps open at most for a server of so many threads.
std::size_t descriptors_of_watch(std::size_t threads);

class Watcher final {
 public:
  /// `diag` is a NETLINK_SOCK_DIAG socket made inside the server's network namespace; `agent` any
  /// process inside it (for /proc/AGENT/net). `processes` lists the server's live processes each
  /// time it is called.
  Watcher(OwnedFd diag, pid_t agent, std::function<std::vector<pid_t>()> processes,
          WatchOptions options);
  ~Watcher();
  Watcher(Watcher&&) noexcept;
  Watcher& operator=(Watcher&&) noexcept;

  /// One attempt, 20 to 300 microseconds, never blocking. Call again after a short pause while
  /// busy. Sockets that play has closed stay in `clients` until the server has nothing of theirs
  /// left (it may drop those of earlier rests).
  RestReport look(const std::vector<ClientSocket>& clients);

  /// The server's listening (for datagram transports: bound, unconnected) sockets. Never ours.
  /// `only`: of this transport and those that the kernel tells together with it.
  std::vector<Listener> listeners(const std::vector<ClientSocket>& clients,
                                  std::optional<Transport> only = std::nullopt);
  Resources sample(const std::vector<ClientSocket>& clients);
  /// Every thread is in state T (stopped by a signal).
  bool is_stopped();
  /// Every thread of every process with what it is doing: "4711/4712 S epoll_wait(timeout 500 ms)".
  /// For reports of hangs.
  std::vector<std::string> describe_tasks();
  /// What the threads wait for and how the sockets stand, for a diagnosis. A millisecond or so.
  Snapshot observe();
  /// Datagrams that the kernel threw away in this network namespace (full buffers, bad checksums),
  /// so far.
  std::uint64_t dropped_datagrams();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sockdrill
