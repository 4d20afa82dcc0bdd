#pragma once

// Stands between clients and their server, passes on what comes as it comes, and tells of it.
//
// One thread, sockets that never block, and memory that is bounded: from a side nothing is read as
// long as the other side has not taken what came before, so a slow reader slows the writer down as
// it would without us.

#include <atomic>
#include <optional>
#include <string>

#include "harness/base/address.h"
#include "harness/record/session.h"

namespace sockdrill {

struct ProxyOptions {
  Transport transport = Transport::tcp;  ///< tcp, unix_stream or udp
  SocketAddress listen;                  ///< port 0: the kernel chooses one
  SocketAddress to;
  /// How many connections must have come and gone; without it only interrupts end it.
  std::optional<std::size_t> connections;
};

class ProxyObserver {
 public:
  virtual ~ProxyObserver() = default;
  /// From now on clients may come.
  virtual void listens(const SocketAddress& address) = 0;
  virtual void saw(const SessionEvent& event) = 0;
  /// What a person should know: a server that is not there, say.
  virtual void note(const std::string& text) = 0;
  /// Asked after every event, or turn of them: true ends it.
  virtual bool has_enough() = 0;
};

/// Until the connections have come and gone, `observer` has enough, or `interrupted` is set by a
/// handler of SIGINT or SIGTERM. The error: `options.listen` cannot be listened on.
Result<void> run_proxy(const ProxyOptions& options, ProxyObserver& observer,
                       const std::atomic<bool>& interrupted);

}  // namespace sockdrill
