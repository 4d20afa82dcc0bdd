// Connections that keep message boundaries, at a path of the file system (AF_UNIX, SOCK_SEQPACKET):
// one thread over poll(). Each message is a request, answered by at most one message.
//
// A connection costs a descriptor and an entry in poll()'s array; while its client does not read,
// also a copy of the one reply that it has not taken (212 KB at most), and it is not read from
// until it has.
//
// Easy to get wrong: recv() returns 0 for an empty message and for the end, so the return value
// cannot tell them apart (here SO_PASSCRED can: each message then brings its sender's credentials,
// the end brings nothing); the 64 KiB buffer of UDP; a message that is cut without notice; the
// descriptors that a client sends along; the file (see unix_stream.cpp).

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/stream.h"

namespace sockdrill::models {
namespace {

constexpr std::size_t kMaxClients = 1024;  // More wait in the backlog, and memory stays bounded.
constexpr int kAcceptBatch = 64;

struct Client {
  OwnedFd fd;
  std::unique_ptr<char[]> pending;  // The reply that did not fit into its queue.
  std::size_t pending_bytes = 0;
};

struct Tables {
  Client clients[kMaxClients];     // The n-th entry below belongs to the n-th client.
  pollfd polled[kMaxClients + 2];  // The last two in use are the listener and the stop descriptor.
  std::array<char, 262144> request;  // A default send buffer carries 212,960 bytes at most.
  std::array<char, protocols::DatagramHandler::kScratchBytes> scratch;
};

enum class Received { message, nothing, end };

/// One message into `buffer`. The end is also a lost connection, or a message that does not fit: an
/// answer to a part of it would be a lie.
Received receive_message(int socket, std::span<char> buffer, std::string_view& message) {
  union {
    cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(ucred))];  // No room for descriptors: the kernel drops them.
  } control{};
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = &control;
  header.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(socket, &header, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? Received::nothing : Received::end;
  if (count == 0 && header.msg_controllen == 0) return Received::end;
  if ((header.msg_flags & MSG_TRUNC) != 0) return Received::end;
  message = {buffer.data(), static_cast<std::size_t>(count)};
  return Received::message;
}

Io send_message(int socket, std::string_view message) {
  if (::send(socket, message.data(), message.size(), MSG_NOSIGNAL) >= 0) return Io::moved;
  return errno == EAGAIN || errno == EINTR ? Io::blocked : Io::lost;
}

class Server final {
 public:
  Server(int listener, int stop, protocols::DatagramHandler& handler, Tables& tables)
      : listener_(listener), stop_(stop), handler_(handler), tables_(tables) {}
  void run();

 private:
  std::int64_t prepare_poll();
  void serve_clients();
  bool serve(Client& client);
  bool reply(Client& client, std::string_view message);
  void accept_clients();
  void admit(OwnedFd fd);

  const int listener_;
  const int stop_;
  protocols::DatagramHandler& handler_;
  Tables& tables_;
  std::size_t count_ = 0;
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

void Server::run() {
  while (true) {
    const std::int64_t deadline_ms = prepare_poll();
    if (::poll(tables_.polled, count_ + 2, timeout_until(deadline_ms)) < 0) {
      recover_from_wait_error();
      continue;  // revents say nothing.
    }
    if (tables_.polled[count_ + 1].revents != 0) return;
    const bool has_waiting = tables_.polled[count_].revents != 0;
    serve_clients();
    if (has_waiting) accept_clients();
  }
}

/// Fills the array anew, and says when poll() has to return at the latest.
std::int64_t Server::prepare_poll() {
  for (std::size_t i = 0; i < count_; ++i) {
    const Client& client = tables_.clients[i];
    const bool writes = client.pending != nullptr;
    const auto events = static_cast<short>(writes ? POLLOUT : POLLIN);
    tables_.polled[i] = {.fd = client.fd.get(), .events = events, .revents = 0};
  }
  const bool is_paused = accept_again_at_ > now_ms();
  const bool may_accept = count_ < kMaxClients && !is_paused;
  tables_.polled[count_] = {.fd = may_accept ? listener_ : -1, .events = POLLIN, .revents = 0};
  tables_.polled[count_ + 1] = {.fd = stop_, .events = POLLIN, .revents = 0};
  return is_paused ? accept_again_at_ : kNever;
}

void Server::serve_clients() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    Client& client = tables_.clients[i];
    if (tables_.polled[i].revents == 0 || serve(client)) {
      std::swap(tables_.clients[kept++], client);
    } else {
      client = Client{};
      accept_again_at_ = 0;
    }
  }
  count_ = kept;
}

/// Sends what is owed, or takes and answers one message. False when the client is done with, or
/// lost.
bool Server::serve(Client& client) {
  if (client.pending != nullptr) {
    const Io sent = send_message(client.fd.get(), {client.pending.get(), client.pending_bytes});
    if (sent == Io::moved) client.pending.reset();
    return sent != Io::lost;
  }
  std::string_view message;
  switch (receive_message(client.fd.get(), tables_.request, message)) {
    case Received::message:
      return reply(client, message);
    case Received::nothing:
      return true;
    case Received::end:
      return false;
  }
  return false;
}

bool Server::reply(Client& client, std::string_view message) {
  const auto answer = handler_.answer(message, unix_seconds(), tables_.scratch);
  if (!answer) return true;
  const Io sent = send_message(client.fd.get(), *answer);
  if (sent != Io::blocked) return sent != Io::lost;
  // Even an empty reply is owed, hence the one byte more.
  client.pending.reset(new (std::nothrow) char[answer->size() + 1]);
  client.pending_bytes = answer->size();
  if (client.pending == nullptr) return false;
  std::ranges::copy(*answer, client.pending.get());
  return true;
}

void Server::accept_clients() {
  for (int i = 0; i < kAcceptBatch && count_ < kMaxClients; ++i) {
    AcceptResult accepted = accept_client(listener_);
    switch (accepted.outcome) {
      case Accepting::accepted:
        admit(std::move(accepted.client));
        break;
      case Accepting::retry:
        break;
      case Accepting::none:
        return;
      case Accepting::starved:
        accept_again_at_ = now_ms() + kAcceptPauseMs;
        return;
    }
  }
}

void Server::admit(OwnedFd fd) {
  constexpr int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return;
  tables_.clients[count_++].fd = std::move(fd);
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::unix_seqpacket);
  if (!prepare_process()) return 1;
  const OwnedFd stop = open_stop_fd();
  if (!stop.is_open()) return 1;
  const auto handler = make_datagram_handler(options.protocol);
  const std::unique_ptr<Tables> tables(new (std::nothrow) Tables);
  if (handler == nullptr || tables == nullptr) return fail("new");
  const UnixListener listener(options, SOCK_SEQPACKET);
  if (!listener.is_open()) return 1;
  announce(options.path);
  Server(listener.get(), stop.get(), *handler, *tables).run();
  return 0;
}
