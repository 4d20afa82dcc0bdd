// The datagram server: one socket, one thread, no connections. Each datagram is a request by
// itself, and has at most one datagram for an answer.
//
// A client costs nothing at all; what all of them share is the socket's receive buffer, and what
// comes while it is full is lost without a word.
//
// Easy to get wrong: taking an empty datagram for the end of something; a buffer below 65536 bytes,
// which cuts large datagrams silently; answering from another address than the one that was asked;
// SO_REUSEADDR, with which a second server steals every datagram; letting an error that one
// datagram caused (ECONNREFUSED, EMSGSIZE, EPERM) end the loop; waiting until a reply can be sent.

#include <poll.h>

#include <array>
#include <memory>
#include <new>

#include "targets/models/support/datagram.h"
#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"

namespace sockdrill::models {
namespace {

constexpr int kBatch = 64;  // Then the stop descriptor is looked at, however many datagrams wait.

struct Buffers {
  std::array<char, kDatagramBytes> request;
  std::array<char, protocols::DatagramHandler::kScratchBytes> scratch;
};

void answer_waiting(int socket, protocols::DatagramHandler& handler, Buffers& buffers) {
  for (int i = 0; i < kBatch; ++i) {
    const std::optional<Request> request = receive_request(socket, buffers.request);
    if (!request) return;
    const auto reply = handler.answer(request->payload, unix_seconds(), buffers.scratch);
    // If it does not go, it is lost, as any datagram may be.
    if (reply) static_cast<void>(send_reply(socket, *request, *reply));
  }
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::udp);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const auto handler = make_datagram_handler(options.protocol);
  const std::unique_ptr<Buffers> buffers(new (std::nothrow) Buffers);
  if (handler == nullptr || buffers == nullptr) return fail("new");
  const OwnedFd socket = open_udp_socket(options);
  if (!socket.is_open()) return 1;
  announce(name_of(socket.get()));
  while (wait_for(socket.get(), POLLIN, stop.get()) == Woken::ready) {
    answer_waiting(socket.get(), *handler, *buffers);
  }
  return 0;
}
