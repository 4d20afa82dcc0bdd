// Datagrams at a path of the file system (AF_UNIX): one socket, one thread, no connections.
//
// A client costs nothing but its place in queues: a handful of messages (net.unix.max_dgram_qlen)
// may wait for us, and as many of ours for it. Unlike UDP nothing is lost on the way, so who sends
// into a full queue has to wait, or to give up.
//
// Easy to get wrong: a client without an address of its own cannot be answered, and its "address"
// is what the last one left in the variable; sendto() that waits for a client which never reads,
// while all others wait; the 64 KiB buffer of UDP, where messages may be more than 200 KiB; the
// file (see unix_stream.cpp).

#include <poll.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"

namespace sockdrill::models {
namespace {

constexpr int kBatch = 64;  // Then the stop descriptor is looked at, however many messages wait.

struct Buffers {
  std::array<char, 262144> request;  // A default send buffer carries 212,960 bytes at most.
  std::array<char, protocols::DatagramHandler::kScratchBytes> scratch;
};

/// A client that does not read its replies loses them; waiting would make all others lose.
void send_reply(int socket, std::string_view reply, const sockaddr* to, socklen_t to_length) {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  while (::sendto(socket, reply.data(), reply.size(), flags, to, to_length) < 0) {
    if (errno != EINTR) return;
  }
}

/// False when none is waiting.
bool answer_next(int socket, protocols::DatagramHandler& handler, Buffers& buffers) {
  sockaddr_un peer{};
  socklen_t peer_length = sizeof peer;
  auto* address = reinterpret_cast<sockaddr*>(&peer);
  // recvfrom() has no place for descriptors that a client sends along, so the kernel drops them.
  // MSG_TRUNC: the true length, so that a part is not taken for the whole.
  const ssize_t count = ::recvfrom(socket, buffers.request.data(), buffers.request.size(),
                                   MSG_DONTWAIT | MSG_TRUNC, address, &peer_length);
  if (count < 0) return false;
  const auto length = static_cast<std::size_t>(count);
  const bool is_whole = length <= buffers.request.size();
  const bool has_address = peer_length > offsetof(sockaddr_un, sun_path);
  if (!is_whole || !has_address) return true;
  const auto reply =
      handler.answer({buffers.request.data(), length}, unix_seconds(), buffers.scratch);
  if (reply) send_reply(socket, *reply, address, peer_length);
  return true;
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::unix_datagram);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const auto handler = make_datagram_handler(options.protocol);
  const std::unique_ptr<Buffers> buffers(new (std::nothrow) Buffers);
  if (handler == nullptr || buffers == nullptr) return fail("new");
  const UnixListener socket(options, SOCK_DGRAM);
  if (!socket.is_open()) return 1;
  announce(options.path);
  while (wait_for(socket.get(), POLLIN, stop.get()) == Woken::ready) {
    for (int i = 0; i < kBatch && answer_next(socket.get(), *handler, *buffers); ++i) {
    }
  }
  return 0;
}
