#pragma once

// Where a recording may listen and what it may connect to: this machine's loopback.

#include <string>

#include "harness/base/address.h"

namespace sockdrill {

/// `word` is PORT (of 127.0.0.1), HOST:PORT or [HOST]:PORT, where HOST is a literal or "localhost";
/// over AF_UNIX a path. The error says what is wrong, and has `option` for its place.
Result<SocketAddress> read_endpoint(const std::string& word, Transport transport,
                                    const std::string& option);

/// 127.0.0.0/8 or ::1, or AF_UNIX.
bool is_loopback(const SocketAddress& address);

}  // namespace sockdrill
