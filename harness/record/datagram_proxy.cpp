#include <sys/socket.h>

#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/record/proxy_kinds.h"

namespace sockdrill {

namespace {

/// Bounds a turn, so that one side cannot keep the other out.
constexpr int kDatagramsATurn = 64;

class DatagramProxy final {
 public:
  DatagramProxy(ProxySocket listening, const ProxyOptions& options, ProxyObserver& observer,
                SocketPoll& sockets)
      : listening_(std::move(listening)),
        options_(options),
        observer_(observer),
        sockets_(sockets),
        buffer_(kLargestRead, '\0') {}

  void run() {
    observer_.listens(listening_.address);
    while (!observer_.has_enough() && wait()) {
      // What the server has said already is no answer to what a client is about to say.
      for (std::size_t i = 0; i < peers_.size(); ++i) {
        if (sockets_.came(peers_[i].place) != 0) pass_answers_on(i);
      }
      if (sockets_.came(place_) != 0) pass_requests_on();
    }
  }

 private:
  struct Peer {
    SocketAddress address;
    OwnedFd server;
    std::optional<std::size_t> connection;  ///< once a datagram of it has got through
    std::size_t place = 0;
  };

  bool wait() {
    sockets_.clear();
    for (Peer& peer : peers_) peer.place = sockets_.add(peer.server.get(), POLLIN);
    place_ = sockets_.add(listening_.socket.get(), POLLIN);
    return sockets_.wait();
  }

  void pass_requests_on() {
    for (int i = 0; i < kDatagramsATurn && !observer_.has_enough(); ++i) {
      SocketAddress from;
      from.length = sizeof(from.storage);
      const ssize_t size = ::recvfrom(listening_.socket.raw(), buffer_.data(), buffer_.size(),
                                      MSG_DONTWAIT, from.get(), &from.length);
      if (size < 0) return;
      if (Peer* peer = peer_at(from))
        pass_request_on(*peer, std::string_view(buffer_).substr(0, static_cast<std::size_t>(size)));
    }
  }

  void pass_request_on(Peer& peer, std::string_view octets) {
    const auto send = [&] {
      return ::send(peer.server.raw(), octets.data(), octets.size(), MSG_DONTWAIT);
    };
    // What an earlier datagram met is told once, and nothing was sent then (ip(7)).
    if (send() < 0 && (errno != ECONNREFUSED || send() < 0))
      return observer_.note(fmt::format("a datagram of {} is left out: it cannot be sent: {}",
                                        to_string(peer.address), describe(last_errno())));
    if (!peer.connection) peer.connection = next_connection_++;
    observer_.saw({SessionEvent::Kind::client_sent, *peer.connection, Bytes(octets)});
  }

  void pass_answers_on(std::size_t index) {
    const Peer& peer = peers_[index];
    for (int i = 0; i < kDatagramsATurn && !observer_.has_enough(); ++i) {
      const ssize_t size = ::recv(peer.server.raw(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size < 0 && errno == ECONNREFUSED) {
        observer_.note(fmt::format("nobody listens at {}", to_string(options_.to)));
        continue;
      }
      if (size < 0) return;
      const std::string_view octets =
          std::string_view(buffer_).substr(0, static_cast<std::size_t>(size));
      observer_.saw({SessionEvent::Kind::server_sent, *peer.connection, Bytes(octets)});
      // A client that has gone misses it, as it would without us.
      static_cast<void>(::sendto(listening_.socket.raw(), octets.data(), octets.size(),
                                 MSG_DONTWAIT, peer.address.get(), peer.address.length));
    }
  }

  /// None: there are too many.
  Peer* peer_at(const SocketAddress& from) {
    const auto [known, is_new] = index_.try_emplace(to_string(from), peers_.size());
    if (!is_new) return &peers_[known->second];
    Connecting server = connect_to_server(options_);
    if (peers_.size() >= kMostProxied || server.state.value != 0) {
      index_.erase(known);
      observer_.note(fmt::format("a datagram of {} is left out: {}", to_string(from),
                                 peers_.size() >= kMostProxied
                                     ? fmt::format("{} clients are the limit", kMostProxied)
                                     : describe(server.state)));
      return nullptr;
    }
    peers_.push_back(Peer{.address = from, .server = std::move(server.socket), .connection = {}});
    return &peers_.back();
  }

  ProxySocket listening_;
  const ProxyOptions& options_;
  ProxyObserver& observer_;
  SocketPoll& sockets_;
  Bytes buffer_;
  std::vector<Peer> peers_;
  std::map<std::string, std::size_t> index_;
  std::size_t next_connection_ = 0;
  std::size_t place_ = 0;
};

}  // namespace

Result<void> run_datagram_proxy(const ProxyOptions& options, ProxyObserver& observer,
                                SocketPoll& sockets) {
  DatagramProxy(TRY(open_proxy_socket(options)), options, observer, sockets).run();
  return {};
}

}  // namespace sockdrill
