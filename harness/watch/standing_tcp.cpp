#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "harness/base/text.h"
#include "harness/watch/standing.h"
#include "harness/watch/tcp_flow.h"

namespace sockdrill {
namespace {

struct FlowKey {
  Endpoint local;
  Endpoint remote;
  bool operator==(const FlowKey&) const = default;
};

struct FlowHash {
  static std::uint64_t fold(const Endpoint& endpoint) {
    std::array<std::uint64_t, 2> halves{};
    std::memcpy(halves.data(), endpoint.address.data(), 16);
    return (halves[0] * 31 + halves[1]) * 65537 + endpoint.port;
  }
  std::size_t operator()(const FlowKey& key) const {
    return (fold(key.local) * 0x9e3779b97f4a7c15U) ^ (fold(key.remote) * 0xc2b2ae3d27d4eb4fU);
  }
};

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

class TcpJudge final {
 public:
  TcpJudge(const std::vector<InetSocket>& sockets, const std::vector<ClientSocket>& clients,
           const WatchOptions& options, const AskClient& ask, Standing& standing)
      : sockets_(sockets),
        clients_(clients),
        options_(options),
        ask_(ask),
        standing_(standing),
        client_of_(sockets.size(), kNone) {}

  void run() {
    index_sockets();
    match_clients();
    judge_listeners();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (ends_[i].is_current) judge_client(clients_[i], ends_[i]);
    }
    if (options_.isolated) judge_strangers();
  }

 private:
  struct Ends {
    std::size_t ours = kNone;
    std::size_t servers = kNone;
    bool is_current = false;  ///< no later client speaks from the same address
  };

  [[nodiscard]] const InetSocket* at(std::size_t index) const {
    return index == kNone ? nullptr : &sockets_[index];
  }

  void index_sockets() {
    by_flow_.reserve(sockets_.size());
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      const InetSocket& socket = sockets_[i];
      if (socket.state == SocketState::listen) {
        listeners_.push_back(i);
      } else {
        by_flow_[{socket.local, socket.remote}] = i;
      }
    }
  }

  [[nodiscard]] std::size_t find(const Endpoint& local, const Endpoint& remote) const {
    const auto found = by_flow_.find({local, remote});
    return found == by_flow_.end() ? kNone : found->second;
  }

  void match_clients() {
    ends_.resize(clients_.size());
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (clients_[i].transport != Transport::tcp || clients_[i].local.port() == 0) continue;
      const Endpoint local = endpoint_of(clients_[i].local);
      const Endpoint remote = endpoint_of(clients_[i].remote);
      ends_[i] = {find(local, remote), find(remote, local), true};
      for (const std::size_t end : {ends_[i].ours, ends_[i].servers}) {
        if (end == kNone) continue;
        if (client_of_[end] != kNone) ends_[client_of_[end]].is_current = false;
        client_of_[end] = i;
      }
    }
  }

  /// Whether the listener that `remote` leads to has a full queue: then neither SYN nor the end of
  /// a handshake gets through until the server accepts.
  [[nodiscard]] bool is_full_at(const Endpoint& remote) const {
    return std::any_of(listeners_.begin(), listeners_.end(), [&](std::size_t index) {
      const InetSocket& socket = sockets_[index];
      return socket.local.port == remote.port && (is_any(socket.local) || socket.local == remote) &&
             socket.unread > socket.unsent;
    });
  }

  /// A client may listen, too (an FTP client does).
  [[nodiscard]] bool is_servers_listener(const InetSocket& listener) const {
    const auto is_this = [&](const ClientSocket& client) { return client.inode == listener.inode; };
    const auto leads_there = [&](const ClientSocket& client) {
      return client.transport == Transport::tcp && client.remote.port() == listener.local.port;
    };
    return std::none_of(clients_.begin(), clients_.end(), is_this) &&
           (options_.isolated || std::any_of(clients_.begin(), clients_.end(), leads_there));
  }

  void judge_listeners() {
    for (const std::size_t index : listeners_) {
      const InetSocket& socket = sockets_[index];
      if (socket.unread == 0 || !is_servers_listener(socket)) continue;
      mix(standing_, {socket.local.port, socket.inode, socket.unread});
      note(standing_.waiting, [&] {
        return fmt::format("{} not accepted on {}", count_of(socket.unread, "connection"),
                           to_string(socket.local));
      });
    }
  }

  void judge_client(const ClientSocket& client, const Ends& ends) {
    const InetSocket* ours = at(ends.ours);
    const InetSocket* servers = at(ends.servers);
    mix_socket(servers, client);
    if (servers == nullptr) ++standing_.unseen_ends;
    std::optional<TcpCounters> asked;
    if (ours == nullptr && client.fd != kNoFd) asked = ask_(client.fd);
    const TcpCounters* counters = ours != nullptr && ours->tcp ? &*ours->tcp
                                  : asked                      ? &*asked
                                                               : nullptr;
    if (client.reset_sent) {
      judge_reset(client, servers);
    } else if (servers == nullptr || servers->state == SocketState::syn_recv) {
      judge_without_server_end(client, counters, servers);
    } else {
      judge_input(client, ours, counters, *servers);
      judge_output(client, counters, *servers);
    }
  }

  void mix_socket(const InetSocket* socket, const ClientSocket& client) {
    mix(standing_, {client.inode, client.sent_bytes, client.fin_sent ? 1U : 0U});
    if (socket == nullptr) return;
    const TcpCounters tcp = socket->tcp.value_or(TcpCounters{});
    mix(standing_,
        {client.inode, static_cast<std::uint64_t>(socket->state), socket->inode, socket->unread,
         tcp.bytes_received, tcp.bytes_sent - tcp.bytes_retransmitted, tcp.not_sent});
  }

  static std::string path_of(const InetSocket& server) {
    return fmt::format("{} <- {}", to_string(server.local), to_string(server.remote));
  }
  static std::string path_of(const ClientSocket& client) {
    return fmt::format("{} <- {}", to_string(client.remote), to_string(client.local));
  }

  void judge_reset(const ClientSocket& client, const InetSocket* servers) {
    if (servers == nullptr) return;
    // Linux takes a socket out of the table as soon as the reset arrives.
    note(standing_.doubt, [&] { return "a reset to " + path_of(client); });
  }

  void judge_without_server_end(const ClientSocket& client, const TcpCounters* ours,
                                const InetSocket* handshake) {
    const SocketState state = ours == nullptr ? SocketState::close : ours->state;
    const bool is_over = state == SocketState::close || has_fin(state);
    if (handshake == nullptr && is_over) return;
    if (is_full_at(endpoint_of(client.remote))) {
      standing_.is_soft = true;  // SYN and SYN-ACK are repeated, and may find room one day.
      note(standing_.waiting, [&] { return "the accept queue is full for " + path_of(client); });
    } else if (state == SocketState::syn_sent) {
      note(standing_.under_way, [&] { return "a SYN to " + path_of(client); });
    } else if (handshake != nullptr) {
      judge_half_open(client);
    } else {
      note(standing_.doubt, [&] { return "a reset from " + path_of(client); });
    }
  }

  /// We think the handshake is over, the server's kernel does not: the last ACK is under way, or
  /// the listener defers accepting until there are data (TCP_DEFER_ACCEPT).
  void judge_half_open(const ClientSocket& client) {
    if (client.sent_bytes > 0 || client.fin_sent) {
      note(standing_.under_way,
           [&] { return "data ahead of the handshake on " + path_of(client); });
      return;
    }
    standing_.is_soft = true;
    note(standing_.doubt, [&] { return "the end of a handshake on " + path_of(client); });
  }

  void judge_input(const ClientSocket& client, const InetSocket* ours, const TcpCounters* counters,
                   const InetSocket& servers) {
    if (is_orphan(servers) || !servers.tcp) return;
    if (is_unaccepted(servers)) {
      note(standing_.waiting, [&] { return "not accepted: " + path_of(servers); });
    }
    const std::uint64_t expected = client.sent_bytes + (client.fin_sent ? 1 : 0);
    const std::uint64_t received = servers.tcp->bytes_received;
    const std::uint64_t missing = expected > received ? expected - received : 0;
    if (missing > 0 || is_unaccepted(servers) || has_unread(servers, client.ends_urgent)) {
      standing_.unread_of.push_back(client.inode);
    }
    judge_flow(flow_of(missing, counters, ours == nullptr ? 0 : ours->timer, &*servers.tcp), [&] {
      return fmt::format("{} for {}", count_of(missing, "byte"), path_of(servers));
    });
    judge_unread(servers, client.ends_urgent);
  }

  void judge_unread(const InetSocket& servers, bool ends_urgent) {
    if (!has_unread(servers, ends_urgent)) return;
    const bool is_fin_only = servers.unread == 1 && has_fin(servers.state);
    note(standing_.waiting, [&] {
      return is_fin_only
                 ? "end of stream unread on " + path_of(servers)
                 : fmt::format("{} unread on {}",
                               count_of(servers.unread - (has_fin(servers.state) ? 1 : 0), "byte"),
                               path_of(servers));
    });
  }

  void judge_output(const ClientSocket& client, const TcpCounters* ours,
                    const InetSocket& servers) {
    if (!servers.tcp) return;
    if (ours == nullptr || ours->state == SocketState::close) {
      judge_output_to_nobody(client, servers);
      return;
    }
    const TcpCounters& from = *servers.tcp;
    const std::uint64_t sent = from.bytes_sent - from.bytes_retransmitted;
    const std::uint64_t received = payload_received(*ours);
    const std::uint64_t missing = sent > received ? sent - received : 0;
    const Flow flow = flow_of(missing, &from, servers.timer, ours);
    judge_flow(flow, [&] {
      return fmt::format("{} from {}", count_of(missing + from.not_sent, "byte"), path_of(servers));
    });
    if (flow != Flow::arrived) return;
    if (sends_fin(servers.state) && !has_fin(ours->state)) {
      note(standing_.under_way, [&] { return "a FIN from " + path_of(servers); });
    }
    judge_acknowledgement(servers);
  }

  /// Everything has arrived, but is not acknowledged (delayed ACK). That frees send memory; a
  /// writer may be waiting for it once two thirds are used (sk_stream_is_writeable).
  void judge_acknowledgement(const InetSocket& servers) {
    if (servers.tcp->unacknowledged == 0) return;
    if (std::uint64_t{servers.send_queued} * 3 <= std::uint64_t{servers.send_buffer} * 2) return;
    note(standing_.under_way, [&] { return "an acknowledgement to " + path_of(servers); });
  }

  /// We have closed: whatever the server still sends is answered by our kernel.
  void judge_output_to_nobody(const ClientSocket& client, const InetSocket& servers) {
    if (client.fd != kNoFd) {  // Closed by the server's reset or by both; its end should be gone.
      note(standing_.doubt, [&] { return "the end of " + path_of(servers); });
    } else if (servers.unsent > 0) {
      note(standing_.under_way, [&] { return "output to a closed client of " + path_of(servers); });
    }
  }

  template <typename Describe>
  void judge_flow(Flow flow, Describe describe) {
    if (flow == Flow::under_way) {
      note(standing_.under_way, [&] { return describe() + " under way"; });
    } else if (flow != Flow::arrived) {
      standing_.is_soft = standing_.is_soft || flow == Flow::held_up_for_now;
      note(standing_.waiting, [&] { return describe() + " held up by a closed window"; });
    }
  }

  /// Connections that no client of ours is part of: of programs on the stage, or among servers.
  void judge_strangers() {
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      const InetSocket& socket = sockets_[i];
      if (client_of_[i] != kNone || socket.state == SocketState::listen) continue;
      const InetSocket* peer = at(find(socket.remote, socket.local));
      judge_stranger(socket, peer);
    }
  }

  void judge_stranger(const InetSocket& socket, const InetSocket* peer) {
    using enum SocketState;
    if (socket.state == syn_sent) {
      note(standing_.under_way, [&] { return "a SYN to " + path_of(socket); });
    }
    if (peer == nullptr || !socket.tcp || !peer->tcp || peer->inode == 0) return;
    mix(standing_, {socket.inode, socket.local.port, socket.unread, socket.tcp->bytes_received,
                    socket.tcp->bytes_sent, static_cast<std::uint64_t>(socket.state)});
    const std::uint64_t sent = peer->tcp->bytes_sent - peer->tcp->bytes_retransmitted;
    const std::uint64_t received = payload_received(*socket.tcp);
    const std::uint64_t missing = sent > received ? sent - received : 0;
    judge_flow(flow_of(missing, &*peer->tcp, peer->timer, &*socket.tcp),
               [&] { return fmt::format("{} to {}", count_of(missing, "byte"), path_of(socket)); });
    if (is_unaccepted(socket)) {
      note(standing_.waiting, [&] { return "not accepted: " + path_of(socket); });
    }
    if (!is_orphan(socket)) judge_unread(socket, false);
  }

  const std::vector<InetSocket>& sockets_;
  const std::vector<ClientSocket>& clients_;
  const WatchOptions& options_;
  const AskClient& ask_;
  Standing& standing_;
  std::vector<std::size_t> client_of_;  ///< by socket
  std::vector<std::size_t> listeners_;
  std::vector<Ends> ends_;  ///< by client
  std::unordered_map<FlowKey, std::size_t, FlowHash> by_flow_;
};

}  // namespace

void judge_tcp(const SocketTables& tables, const std::vector<ClientSocket>& clients,
               const WatchOptions& options, const AskClient& ask, Standing& standing) {
  TcpJudge(tables.tcp, clients, options, ask, standing).run();
}

}  // namespace sockdrill
