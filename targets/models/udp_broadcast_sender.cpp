// Broadcasts on request: each datagram that comes is sent on to everybody (--to), and the asker is
// told how that went: `ok`, or `error EACCES` and the like.
//
// A broadcast costs every host of the network an interrupt, which is why the kernel wants
// SO_BROADCAST as a sign that it is meant; without --broadcast it is not set, and each send fails
// with EACCES.
//
// Easy to get wrong: not looking at the result of sendto(), or trying again for ever; giving up the
// service because one send failed; filling the log with the same message; a broadcast to the port
// one listens on, which comes back to oneself as the next request.

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include <cerrno>
#include <memory>
#include <new>

#include "targets/models/support/datagram.h"
#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"

namespace sockdrill::models {
namespace {

constexpr int kBatch = 64;  // Then the stop descriptor is looked at, however many datagrams wait.

in_port_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return address.sin_port;
}

class Broadcaster final {
 public:
  Broadcaster(int socket, const sockaddr_in& to)
      : socket_(socket), own_port_(port_of(socket)), to_(to) {}
  void serve_waiting(std::span<char> buffer);

 private:
  void serve(const Request& request);
  int broadcast(std::string_view payload) const;
  /// Our own broadcast, come back.
  [[nodiscard]] bool is_ours(const Request& request) const;

  const int socket_;
  const in_port_t own_port_;
  const sockaddr_in to_;
  bool has_reported_ = false;
};

void Broadcaster::serve_waiting(std::span<char> buffer) {
  for (int i = 0; i < kBatch; ++i) {
    const std::optional<Request> request = receive_request(socket_, buffer);
    if (!request) return;
    if (!is_ours(*request)) serve(*request);
  }
}

bool Broadcaster::is_ours(const Request& request) const {
  const auto& peer = reinterpret_cast<const sockaddr_in&>(request.peer);
  return peer.sin_port == own_port_ && request.ipv4_source &&
         peer.sin_addr.s_addr == request.ipv4_source->s_addr;
}

/// 0 or the errno.
int Broadcaster::broadcast(std::string_view payload) const {
  while (::sendto(socket_, payload.data(), payload.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&to_), sizeof to_) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

void Broadcaster::serve(const Request& request) {
  const int error = broadcast(request.payload);
  const char* name = ::strerrorname_np(error);
  const std::string reply =
      error == 0 ? "ok\n" : std::string("error ") + (name != nullptr ? name : "?") + "\n";
  if (error != 0 && !has_reported_) {
    has_reported_ = true;
    errno = error;
    log_error("sendto (further failures are told to the asker only)");
  }
  static_cast<void>(send_reply(socket_, request, reply));
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::broadcasting);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const std::unique_ptr<char[]> buffer(new (std::nothrow) char[kDatagramBytes]);
  if (buffer == nullptr) return fail("new");
  const OwnedFd socket = open_udp_socket(options);
  if (!socket.is_open()) return 1;
  const int may_broadcast = options.may_broadcast ? 1 : 0;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &may_broadcast, sizeof may_broadcast) !=
      0) {
    return fail("setsockopt SO_BROADCAST");
  }
  announce(name_of(socket.get()));
  Broadcaster broadcaster(socket.get(), options.to);
  while (wait_for(socket.get(), POLLIN, stop.get()) == Woken::ready) {
    broadcaster.serve_waiting({buffer.get(), kDatagramBytes});
  }
  return 0;
}
