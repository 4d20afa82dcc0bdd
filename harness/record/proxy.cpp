#include "harness/record/proxy.h"

#include "harness/record/proxy_kinds.h"

namespace sockdrill {

Result<void> run_proxy(const ProxyOptions& options, ProxyObserver& observer,
                       const std::atomic<bool>& interrupted) {
  SocketPoll sockets(interrupted);
  return is_connected(options.transport) ? run_stream_proxy(options, observer, sockets)
                                         : run_datagram_proxy(options, observer, sockets);
}

}  // namespace sockdrill
