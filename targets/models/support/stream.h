#pragma once

// Single system calls on a stream, with their errors sorted. Nothing here waits or decides what is
// next: that is the model's.

#include "targets/models/support/owned_fd.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {

enum class Io {
  moved,    // Something went, or the call was interrupted: there may be more.
  blocked,  // Not now.
  lost,     // The connection is gone: reset, timed out, unreachable. It costs this client only.
};

/// One recv() into the session. Does nothing when the session has no room.
Io receive_some(int socket, protocols::Session& session);
/// One send() from the session. Does nothing when there is nothing to send.
Io send_some(int socket, protocols::Session& session);
/// One recv() whose bytes are thrown away. The end of the stream counts as lost.
Io discard_some(int socket);

enum class Accepting {
  accepted,
  none,     // Nobody waits.
  retry,    // That one is gone again; there may be others.
  starved,  // No descriptor, no memory: the client goes on waiting in the backlog, and the listener
            // stays readable. Asking again at once would be a spin.
};
struct AcceptResult {
  Accepting outcome = Accepting::none;
  OwnedFd client;  // Non-blocking, close-on-exec.
};
/// One accept4(). Never fatal: accept(2) reports the errors of the client's network as its own.
AcceptResult accept_client(int listener);

/// The server has said all: sends FIN and is true if the client's end has to be waited for. Closing
/// at once would answer what the client still sends by RST, and an RST may destroy the reply that
/// the client has not read yet (RFC 9112, 9.6).
bool begin_lingering_close(int socket, const protocols::Session& session);
/// How long that takes at most. A client may be slow, but not forever.
inline constexpr int kLingerMs = 3000;
/// How long a starved server leaves its listener alone, unless a connection closes earlier.
inline constexpr int kAcceptPauseMs = 100;

/// To be called before a server that stops closes a connection: what is cut off in mid-reply ends
/// with RST, so that the client does not take a part for the whole.
void reset_if_unfinished(int socket, const protocols::Session& session);

}  // namespace sockdrill::models
