#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "harness/base/text.h"
#include "harness/watch/standing.h"

namespace sockdrill {
namespace {

std::unordered_set<std::uint64_t> inodes_of(const std::vector<ClientSocket>& clients) {
  std::unordered_set<std::uint64_t> inodes;
  for (const ClientSocket& client : clients) {
    if (client.inode != 0) inodes.insert(client.inode);
  }
  return inodes;
}

std::string name_of_unix(const UnixSocket& socket) {
  if (socket.name.empty()) return "unnamed";
  return socket.name.front() == '\0' ? "@" + socket.name.substr(1) : socket.name;
}

/// A path that leads into the stage ("/proc/4711/root/tmp/x") ends with the name as bound.
bool leads_to(const SocketAddress& remote, const UnixSocket& socket) {
  const std::string text = to_string(remote);
  const std::string name = name_of_unix(socket);
  return !socket.name.empty() && text.ends_with(name);
}

class UnixJudge final {
 public:
  UnixJudge(const std::vector<UnixSocket>& sockets, const std::vector<ClientSocket>& clients,
            const WatchOptions& options, Standing& standing)
      : sockets_(sockets),
        clients_(clients),
        options_(options),
        standing_(standing),
        ours_(inodes_of(clients)) {}

  void run() {
    for (const UnixSocket& socket : sockets_) by_inode_[socket.inode] = &socket;
    for (const ClientSocket& client : clients_) {
      if (is_unix(client.transport)) judge_client(client);
    }
    for (const UnixSocket& socket : sockets_) {
      if (is_servers(socket)) judge_servers(socket);
    }
  }

 private:
  void judge_client(const ClientSocket& client) {
    mix(standing_,
        {client.inode, client.sent_bytes, client.sent_messages, client.fin_sent ? 1U : 0U});
    if (client.fin_sent) ++standing_.unseen_ends;
    const auto found = by_inode_.find(client.inode);
    if (client.inode == 0 || found == by_inode_.end()) return;
    const UnixSocket& ours = *found->second;
    if (ours.peer != 0) server_ends_.insert(ours.peer);
    mix(standing_, {client.inode, ours.unconsumed});
    if (ours.unconsumed == 0) return;
    standing_.unread_of.push_back(client.inode);
    // What a socket has sent is charged to it until it is read: this sees empty datagrams too.
    note(standing_.waiting, [&] { return "unread input of " + describe_client(client); });
  }

  static std::string describe_client(const ClientSocket& client) {
    return fmt::format("a client of {}", to_string(client.remote));
  }

  [[nodiscard]] bool is_servers(const UnixSocket& socket) const {
    if (ours_.contains(socket.inode)) return false;
    if (server_ends_.contains(socket.inode)) return true;
    if (socket.name.empty()) return false;  // One of a socketpair, or a client of something.
    return options_.isolated ||
           std::any_of(clients_.begin(), clients_.end(), [&](const ClientSocket& client) {
             return is_unix(client.transport) && leads_to(client.remote, socket);
           });
  }

  void judge_servers(const UnixSocket& socket) {
    mix(standing_, {socket.inode, socket.unread, socket.unconsumed, socket.peer});
    if (socket.state == SocketState::listen) {
      if (socket.unread == 0) return;
      note(standing_.waiting, [&] {
        return fmt::format("{} not accepted on {}", count_of(socket.unread, "connection"),
                           name_of_unix(socket));
      });
      return;
    }
    if (socket.unread > 0) {
      note(standing_.waiting, [&] {
        return fmt::format("{} unread on {}", count_of(socket.unread, "byte"),
                           name_of_unix(socket));
      });
    }
    judge_output(socket);
  }

  /// Not writable in the sense of poll(2) (unix_writable): a writer would wait for our client.
  void judge_output(const UnixSocket& socket) {
    if (std::uint64_t{socket.unconsumed} * 4 <= socket.send_buffer) return;
    note(standing_.waiting, [&] {
      return fmt::format("output on {} waits for its client to read", name_of_unix(socket));
    });
  }

  const std::vector<UnixSocket>& sockets_;
  const std::vector<ClientSocket>& clients_;
  const WatchOptions& options_;
  Standing& standing_;
  std::unordered_set<std::uint64_t> ours_;
  std::unordered_set<std::uint64_t> server_ends_;
  std::unordered_map<std::uint64_t, const UnixSocket*> by_inode_;
};

}  // namespace

void judge_udp(const SocketTables& tables, const std::vector<ClientSocket>& clients,
               const WatchOptions& options, Standing& standing) {
  const auto ours = inodes_of(clients);
  std::unordered_set<std::uint16_t> ports;
  for (const ClientSocket& client : clients) {
    if (client.transport != Transport::udp) continue;
    standing.has_datagrams = true;
    ports.insert(client.remote.port());
    mix(standing, {client.inode, client.sent_messages});
  }
  for (const InetSocket& socket : tables.udp) {
    if (ours.contains(socket.inode)) continue;
    if (!options.isolated && !ports.contains(socket.local.port)) continue;
    mix(standing, {socket.inode, socket.unread, socket.dropped});
    if (socket.unread == 0) continue;
    note(standing.waiting, [&] {
      return fmt::format("datagrams unread on {} ({} of buffer)", to_string(socket.local),
                         count_of(socket.unread, "byte"));
    });
  }
}

void judge_unix(const SocketTables& tables, const std::vector<ClientSocket>& clients,
                const WatchOptions& options, Standing& standing) {
  if (tables.local.empty()) return;
  UnixJudge(tables.local, clients, options, standing).run();
}

}  // namespace sockdrill
