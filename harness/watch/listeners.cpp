#include "harness/watch/listeners.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sockdrill {
namespace {

SocketAddress address_of(const UnixSocket& socket) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  const std::size_t length = std::min(socket.name.size(), sizeof(path.sun_path));
  std::memcpy(&path.sun_path[0], socket.name.data(), length);
  SocketAddress address;
  std::memcpy(&address.storage, &path, sizeof(path));
  // A path ends with a NUL, an abstract name does not: unix(7).
  const bool is_path = !socket.name.starts_with('\0');
  address.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (is_path ? 1 : 0));
  return address;
}

Transport transport_of(const UnixSocket& socket) {
  if (socket.type == SOCK_DGRAM) return Transport::unix_dgram;
  return socket.type == SOCK_SEQPACKET ? Transport::unix_seqpacket : Transport::unix_stream;
}

}  // namespace

std::vector<Listener> find_listeners(const SocketTables& tables, const Ownership& ownership) {
  std::vector<Listener> found;
  for (const InetSocket& socket : tables.tcp) {
    if (socket.state != SocketState::listen || !ownership.is_servers(socket.inode)) continue;
    found.push_back(Listener{Transport::tcp, to_address(socket.local, socket.family), socket.inode,
                             socket.unread, socket.unsent});
  }
  for (const InetSocket& socket : tables.udp) {
    const bool is_bound = socket.local.port != 0 && socket.remote.port == 0;
    if (!is_bound || !ownership.is_servers(socket.inode)) continue;
    found.push_back(
        Listener{Transport::udp, to_address(socket.local, socket.family), socket.inode, 0, 0});
  }
  for (const UnixSocket& socket : tables.local) {
    const bool listens = socket.state == SocketState::listen;
    const bool is_bound = socket.type == SOCK_DGRAM && !socket.name.empty() && socket.peer == 0;
    if (!(listens || is_bound) || !ownership.is_servers(socket.inode)) continue;
    found.push_back(Listener{transport_of(socket), address_of(socket), socket.inode,
                             listens ? socket.unread : 0, listens ? socket.unconsumed : 0});
  }
  return found;
}

int count_close_wait(const SocketTables& tables, const Ownership& ownership) {
  const auto count =
      std::count_if(tables.tcp.begin(), tables.tcp.end(), [&](const InetSocket& socket) {
        return socket.state == SocketState::close_wait && socket.inode != 0 &&
               ownership.is_servers(socket.inode);
      });
  return static_cast<int>(count);
}

}  // namespace sockdrill
