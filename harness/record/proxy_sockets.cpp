#include "harness/record/proxy_sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

namespace sockdrill {

namespace {

/// What fails here is only a nicety lost.
OwnedFd open_socket(const ProxyOptions& options, const SocketAddress& address) {
  return OwnedFd{
      ::socket(address.family(), socket_type(options.transport) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

}  // namespace

void set_flag(Fd socket, int level, int name) {
  const int on = 1;
  static_cast<void>(::setsockopt(raw(socket), level, name, &on, sizeof(on)));
}

SocketPoll::SocketPoll(const std::atomic<bool>& interrupted) : interrupted_(interrupted) {
  sigset_t interrupts{};
  sigemptyset(&interrupts);
  sigaddset(&interrupts, SIGINT);
  sigaddset(&interrupts, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &interrupts, &usual_);
}

SocketPoll::~SocketPoll() { ::pthread_sigmask(SIG_SETMASK, &usual_, nullptr); }

std::size_t SocketPoll::add(Fd fd, short events, bool wants_errors) {
  // poll(2) tells of errors and hang-ups whether they are asked for or not.
  const bool is_wanted = events != 0 || wants_errors;
  entries_.push_back(pollfd{.fd = is_wanted ? raw(fd) : -1, .events = events, .revents = 0});
  return entries_.size() - 1;
}

bool SocketPoll::wait() {
  for (;;) {
    if (interrupted_) return false;
    const int came = ::ppoll(entries_.data(), entries_.size(), nullptr, &usual_);
    if (came >= 0) return true;
    if (errno != EINTR) return false;
  }
}

BoundPath::~BoundPath() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<ProxySocket> open_proxy_socket(const ProxyOptions& options) {
  const auto fails = [&] {
    return fail(fmt::format("{} cannot be listened on: {}", to_string(options.listen),
                            describe(last_errno())),
                "--listen");
  };
  ProxySocket listening{.path = {}, .socket = open_socket(options, options.listen), .address = {}};
  const Fd socket = listening.socket.get();
  // A recording that has just ended leaves connections in TIME_WAIT, which do not stand in the way.
  if (options.transport == Transport::tcp) set_flag(socket, SOL_SOCKET, SO_REUSEADDR);
  if (::bind(raw(socket), options.listen.get(), options.listen.length) != 0) return fails();
  if (is_unix(options.transport)) listening.path = BoundPath(to_string(options.listen));
  if (is_connected(options.transport) && ::listen(raw(socket), SOMAXCONN) != 0) return fails();
  listening.address.length = sizeof(listening.address.storage);
  if (::getsockname(raw(socket), listening.address.get(), &listening.address.length) != 0)
    return fails();
  return listening;
}

Connecting connect_to_server(const ProxyOptions& options) {
  Connecting connecting{.socket = open_socket(options, options.to), .state = {}};
  const Fd socket = connecting.socket.get();
  if (options.transport == Transport::tcp) set_flag(socket, IPPROTO_TCP, TCP_NODELAY);
  if (::connect(raw(socket), options.to.get(), options.to.length) != 0)
    connecting.state = last_errno();
  return connecting;
}

Errno take_error(Fd socket) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (::getsockopt(raw(socket), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return last_errno();
  return Errno{error};
}

}  // namespace sockdrill
