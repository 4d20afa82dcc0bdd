// The iterative server: one client after the other, in one process and one thread.
//
// A connection costs nothing but its session; the others wait in the kernel's backlog until it is
// over. That is right for services that answer at once and close (daytime, time), and wrong where a
// client may stay: whoever connects and says nothing has the server for himself.
//
// Easy to get wrong: leaving the loop after the first client; taking one client's reset for the end
// of the server; closing with unread input, so that an RST destroys the reply; waiting for a
// client's FIN for ever while all others wait; a SIGTERM that only interrupts accept() and not
// recv().

#include <poll.h>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

/// Reads while there is room and writes while there is output, whichever can go on: a server that
/// only reads, then only writes would miss the end of a client to which it has much to say.
short wanted_events(protocols::Session& session) {
  const int in = session.input_room().empty() ? 0 : POLLIN;
  const int out = session.output().empty() ? 0 : POLLOUT;
  return static_cast<short>(in | out);
}

/// True when everything is said; false when the client is lost or the server is to stop.
bool converse(int client, protocols::Session& session, int stop) {
  while (true) {
    if (send_some(client, session) == Io::lost) return false;
    if (session.is_finished()) return true;
    if (wait_for(client, wanted_events(session), stop) == Woken::stopped) return false;
    if (receive_some(client, session) == Io::lost) return false;
  }
}

void serve(int client, protocols::Protocol protocol, int stop) {
  auto handler = make_stream_handler(protocol, unix_seconds());
  if (handler == nullptr) return;
  protocols::Session session(std::move(handler));
  if (!converse(client, session, stop)) return reset_if_unfinished(client, session);
  if (!begin_lingering_close(client, session)) return;
  const std::int64_t deadline_ms = now_ms() + kLingerMs;
  while (wait_for(client, POLLIN, stop, deadline_ms) == Woken::ready) {
    if (discard_some(client) == Io::lost) return;
  }
}

void run(int listener, protocols::Protocol protocol, int stop) {
  while (wait_for(listener, POLLIN, stop) == Woken::ready) {
    const AcceptResult accepted = accept_client(listener);
    if (accepted.outcome == Accepting::accepted) serve(accepted.client.get(), protocol, stop);
    // Nobody's end will free a descriptor here: only time may.
    if (accepted.outcome == Accepting::starved) wait_for(-1, 0, stop, now_ms() + kAcceptPauseMs);
  }
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  announce(name_of(listener.get()));
  run(listener.get(), options.protocol, stop.get());
  return 0;
}
