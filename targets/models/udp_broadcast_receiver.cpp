// Answers requests that were broadcast: a client that does not know where the server is asks
// everybody, and the server answers the client alone.
//
// It costs what the datagram server costs. Receiving takes no SO_BROADCAST, whatever ip(7) says: a
// socket bound to the wildcard address gets what is sent to 255.255.255.255 and to the subnet's
// broadcast address. One that is bound to the host's own address gets none of it.
//
// Easy to get wrong: answering to where the request was sent, so that all servers answer everybody
// and each other; answering *from* there, which is no address a datagram may come from (RFC
// 1122, 3.2.1.3), and which a server gets that sends from ipi_addr. The destination of a request to
// a single address is the right source, however; IP_PKTINFO has a second address, ipi_spec_dst,
// that is right in both cases.

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
    // To the asker alone, from an address of ours: see Request.
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
