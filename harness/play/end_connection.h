#pragma once

// The end of one of our TCP connections.

#include "harness/base/fd.h"

namespace sockdrill {

/// What close(2) does when it is the last to hold the socket, done at once: FIN, or RST when input
/// stands unread (RFC 9293 3.6.1) or the end `is_abortive`. close() alone need not be the last: the
/// process of a stage that another thread makes meanwhile has all our descriptors until it execs,
/// and the server would hear of the end only then. The caller still closes `connection`.
void end_connection(Fd connection, bool is_abortive);

}  // namespace sockdrill
