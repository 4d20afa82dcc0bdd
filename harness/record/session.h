#pragma once

// What was seen on the connections of a session, as values. Over datagrams a client, by its
// address, is what a connection is elsewhere: it begins with its first datagram and never ends.

#include <cstddef>

#include "harness/base/text.h"

namespace sockdrill {

struct SessionEvent {
  enum class Kind {
    connected,
    client_sent,   ///< what one read brought; one datagram
    client_ended,  ///< end of stream: a half-close, or the first half of a close
    client_reset,
    server_sent,  ///< what one read brought; one datagram
    server_ended,
    server_reset
  };
  Kind kind = Kind::connected;
  std::size_t connection = 0;  ///< counted from 0
  Bytes octets;                ///< of what was sent
  bool operator==(const SessionEvent&) const = default;
};

}  // namespace sockdrill
