// One thread that asks: it tries accept(), recv() and send() on everybody in turn, all
// non-blocking, and takes a nap of a millisecond when nothing moved.
//
// A connection costs its session and, asleep or not, a system call or two in every round: a
// thousand idle clients are a million calls a second, for nothing. A reply is late by up to a nap.
// It needs no readiness call at all, which is why one meets it in games, in embedded loops and in
// first attempts.
//
// Easy to get wrong: no nap, which burns a processor for nobody; a nap even while there is work;
// taking EAGAIN for an error or for the end; accepted sockets that block, because they do not
// inherit O_NONBLOCK; EMFILE, which turns the accept() of every round into a spin.

#include <algorithm>
#include <csignal>
#include <ctime>
#include <memory>
#include <new>

#include "targets/models/support/listener.h"
#include "targets/models/support/options.h"
#include "targets/models/support/process.h"
#include "targets/models/support/ring.h"
#include "targets/models/support/stream.h"
#include "targets/protocols/session.h"

namespace sockdrill::models {
namespace {

constexpr int kMaxClients = 16384;  // More wait in the backlog, and memory stays bounded.
constexpr int kAcceptBatch = 64;
constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 1'000'000};

// A flag is enough here: it is looked at in every round, and no wait is longer than the nap.
volatile sig_atomic_t stop_requested = 0;
void request_stop(int) { stop_requested = 1; }

bool catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  ::sigemptyset(&action.sa_mask);
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigaddset(&stops, SIGINT);
  return ::sigaction(SIGTERM, &action, nullptr) == 0 &&
         ::sigaction(SIGINT, &action, nullptr) == 0 &&
         ::sigprocmask(SIG_UNBLOCK, &stops, nullptr) == 0;
}

struct Client {
  Client(OwnedFd its_fd, std::unique_ptr<protocols::StreamHandler> handler)
      : fd(std::move(its_fd)), session(std::move(handler)) {}

  OwnedFd fd;
  protocols::Session session;
  Link<Client> link{this};
  std::int64_t lingers_until = 0;  // 0 while it talks.
};

/// What came of a turn.
enum class Turn { idle, moved, over };

class Server final {
 public:
  Server(int listener, protocols::Protocol protocol) : listener_(listener), protocol_(protocol) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();
  void run();

 private:
  bool accept_clients();
  void admit(OwnedFd fd);
  bool serve_clients();
  static Turn serve(Client& client);
  static Turn talk(Client& client);
  static Turn linger(Client& client);

  const int listener_;
  const protocols::Protocol protocol_;
  Link<Client> clients_;
  int count_ = 0;
  std::int64_t accept_again_at_ = 0;  // After a starved accept.
};

Server::~Server() {
  while (Client* client = clients_.first()) {
    reset_if_unfinished(client->fd.get(), client->session);
    delete client;
  }
}

void Server::run() {
  while (stop_requested == 0) {
    const bool has_accepted = accept_clients();
    const bool has_moved = serve_clients();
    if (!has_accepted && !has_moved) ::nanosleep(&kNap, nullptr);
  }
}

/// True if somebody came.
bool Server::accept_clients() {
  if (accept_again_at_ != 0 && now_ms() < accept_again_at_) return false;
  accept_again_at_ = 0;
  int came = 0;
  while (came < kAcceptBatch && count_ < kMaxClients) {
    AcceptResult accepted = accept_client(listener_);
    if (accepted.outcome == Accepting::starved) accept_again_at_ = now_ms() + kAcceptPauseMs;
    if (accepted.outcome != Accepting::accepted) break;
    admit(std::move(accepted.client));
    ++came;
  }
  return came > 0;
}

void Server::admit(OwnedFd fd) {
  auto handler = make_stream_handler(protocol_, unix_seconds());
  if (handler == nullptr) return;
  auto* client = new (std::nothrow) Client(std::move(fd), std::move(handler));
  if (client == nullptr) return;
  client->link.join(clients_);
  ++count_;
}

/// One turn for everybody. True if anything moved.
bool Server::serve_clients() {
  bool has_moved = false;
  for (Link<Client>* link = clients_.next; link->owner != nullptr;) {
    Client* client = link->owner;
    link = link->next;  // Before the client may go.
    const Turn turn = serve(*client);
    has_moved = has_moved || turn != Turn::idle;
    if (turn != Turn::over) continue;
    delete client;
    --count_;
    accept_again_at_ = 0;
  }
  return has_moved;
}

Turn Server::serve(Client& client) {
  return client.lingers_until != 0 ? linger(client) : talk(client);
}

Turn Server::talk(Client& client) {
  const int fd = client.fd.get();
  const Io received = receive_some(fd, client.session);
  if (received == Io::lost) return Turn::over;
  const Io sent = send_some(fd, client.session);
  if (sent == Io::lost) return Turn::over;
  if (client.session.is_finished()) {
    if (!begin_lingering_close(fd, client.session)) return Turn::over;
    client.lingers_until = now_ms() + kLingerMs;
  }
  return received == Io::moved || sent == Io::moved ? Turn::moved : Turn::idle;
}

Turn Server::linger(Client& client) {
  const Io discarded = discard_some(client.fd.get());
  if (discarded == Io::lost || now_ms() >= client.lingers_until) return Turn::over;
  return discarded == Io::moved ? Turn::moved : Turn::idle;
}

}  // namespace
}  // namespace sockdrill::models

int main(int argc, char** argv) {
  using namespace sockdrill::models;
  const Options options = parse_options_or_exit(argc, argv, Listens::tcp);
  if (!prepare_process()) return 1;
  if (!catch_stop_signals()) return fail("sigaction");
  const OwnedFd listener = open_tcp_listener(options);
  if (!listener.is_open()) return 1;
  announce(name_of(listener.get()));
  Server(listener.get(), options.protocol).run();
  return 0;
}
