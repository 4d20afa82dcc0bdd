#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <list>

#include "harness/base/try.h"
#include "harness/record/proxy_kinds.h"
#include "harness/record/relay.h"

namespace sockdrill {

namespace {

class StreamProxy final {
 public:
  StreamProxy(ProxySocket listening, const ProxyOptions& options, ProxyObserver& observer,
              SocketPoll& sockets)
      : listening_(std::move(listening)),
        options_(options),
        observer_(observer),
        sockets_(sockets) {}

  void run() {
    observer_.listens(listening_.address);
    while (!has_ended() && wait()) {
      for (Relay& relay : relays_) relay.serve(sockets_);
      relays_.remove_if([](const Relay& relay) { return relay.is_over(); });
      // Last: whoever comes now was not in the wait.
      if (sockets_.came(place_) != 0) accept_all();
    }
  }

 private:
  [[nodiscard]] bool is_last_taken() const {
    return options_.connections && accepted_ >= *options_.connections;
  }
  [[nodiscard]] bool has_ended() const {
    return observer_.has_enough() || (is_last_taken() && relays_.empty());
  }
  [[nodiscard]] bool may_accept() const {
    return !is_last_taken() && relays_.size() < kMostProxied;
  }

  bool wait() {
    sockets_.clear();
    for (Relay& relay : relays_) relay.add_to(sockets_);
    place_ = sockets_.add(listening_.socket.get(), may_accept() ? POLLIN : short{0});
    return sockets_.wait();
  }

  void accept_all() {
    while (may_accept()) {
      OwnedFd client{
          ::accept4(listening_.socket.raw(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!client.is_open()) return;  // nobody is left, or whoever came has gone already
      ++accepted_;
      if (options_.transport == Transport::tcp) {
        // Pieces leave as they came. An urgent octet is passed on as an ordinary one: better than
        // not at all.
        set_flag(client.get(), IPPROTO_TCP, TCP_NODELAY);
        set_flag(client.get(), SOL_SOCKET, SO_OOBINLINE);
      }
      relays_.emplace_back(std::move(client), connect_to_server(options_), next_connection_,
                           options_, observer_);
    }
    relays_.remove_if([](const Relay& relay) { return relay.is_over(); });
  }

  ProxySocket listening_;
  const ProxyOptions& options_;
  ProxyObserver& observer_;
  SocketPoll& sockets_;
  std::list<Relay> relays_;  // they stay where they are
  std::size_t accepted_ = 0;
  std::size_t next_connection_ = 0;
  std::size_t place_ = 0;
};

}  // namespace

Result<void> run_stream_proxy(const ProxyOptions& options, ProxyObserver& observer,
                              SocketPoll& sockets) {
  StreamProxy(TRY(open_proxy_socket(options)), options, observer, sockets).run();
  return {};
}

}  // namespace sockdrill
