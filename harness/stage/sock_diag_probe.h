#pragma once

// Whether the kernel answers questions about sockets. Only whether: asking is the watch's business.

#include <string>

#include "harness/stage/stage.h"

namespace sockdrill {

/// "" when sock_diag(7) answers for a protocol (IPPROTO_TCP, IPPROTO_UDP), else what it said.
std::string probe_inet_diag(const Stage& stage, int protocol);
/// The same for AF_UNIX.
std::string probe_unix_diag(const Stage& stage);

}  // namespace sockdrill
