#pragma once

// What run_proxy() chooses from. Internal to record/.

#include "harness/record/proxy.h"
#include "harness/record/proxy_sockets.h"

namespace sockdrill {

/// Over tcp and unix_stream.
Result<void> run_stream_proxy(const ProxyOptions& options, ProxyObserver& observer,
                              SocketPoll& sockets);
/// Over udp: a client is an address, which never goes.
Result<void> run_datagram_proxy(const ProxyOptions& options, ProxyObserver& observer,
                                SocketPoll& sockets);

}  // namespace sockdrill
