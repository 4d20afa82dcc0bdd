#pragma once

// Sockets made inside another network namespace.

#include "harness/base/fd.h"
#include "harness/base/result.h"

namespace sockdrill {

/// The calling thread steps into `network`, makes a socket, and steps back into `home`. With kNoFd
/// for `network` the socket is made where we are.
SysResult<OwnedFd> socket_in(Fd network, Fd home, int domain, int type, int protocol);

}  // namespace sockdrill
