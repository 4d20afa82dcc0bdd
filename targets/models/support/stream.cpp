#include "targets/models/support/stream.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace sockdrill::models {
namespace {

Io sort_error() {
  if (errno == EINTR) return Io::moved;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Io::blocked : Io::lost;
}

}  // namespace

Io receive_some(int socket, protocols::Session& session) {
  const std::span<char> room = session.input_room();
  if (room.empty()) return Io::blocked;
  const ssize_t count = ::recv(socket, room.data(), room.size(), 0);
  if (count < 0) return sort_error();
  if (count == 0) {
    session.end_input();
  } else {
    session.add_input(static_cast<std::size_t>(count));
  }
  return Io::moved;
}

Io send_some(int socket, protocols::Session& session) {
  const std::string_view output = session.output();
  if (output.empty()) return Io::blocked;
  const ssize_t count = ::send(socket, output.data(), output.size(), MSG_NOSIGNAL);
  if (count < 0) return sort_error();
  session.drop_output(static_cast<std::size_t>(count));  // Perhaps only a part.
  return Io::moved;
}

Io discard_some(int socket) {
  std::array<char, 16384> scratch;
  const ssize_t count = ::recv(socket, scratch.data(), scratch.size(), 0);
  if (count < 0) return sort_error();
  return count == 0 ? Io::lost : Io::moved;
}

AcceptResult accept_client(int listener) {
  // Linux does not hand O_NONBLOCK on to accepted sockets.
  OwnedFd client{::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (client.is_open()) return {Accepting::accepted, std::move(client)};
  switch (errno) {
    case EAGAIN:
      return {Accepting::none, {}};
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ETIMEDOUT:
      return {Accepting::retry, {}};
    default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM; EPERM and what else a later kernel invents.
      return {Accepting::starved, {}};
  }
}

bool begin_lingering_close(int socket, const protocols::Session& session) {
  return !session.has_input_ended() && ::shutdown(socket, SHUT_WR) == 0;
}

void reset_if_unfinished(int socket, const protocols::Session& session) {
  constexpr linger reset{.l_onoff = 1, .l_linger = 0};
  // If it fails, the client is gone already.
  if (!session.output().empty()) {
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset));
  }
}

}  // namespace sockdrill::models
