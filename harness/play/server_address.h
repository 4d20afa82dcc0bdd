#pragma once

// Where a server listens, and what its clients make of it: the same in every world. Internal to
// the worlds.

#include <sys/epoll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/play/world.h"
#include "harness/target/target.h"

namespace sockdrill {

struct ServerAddress {
  Transport transport = Transport::tcp;
  Family family = Family::ipv4;
  std::uint16_t port = 0;
  std::string path;  ///< AF_UNIX
};

/// For a server that may not have it.
inline constexpr std::uint16_t kPrivilegedPort = 1023;

/// A path of so many octets below `temp`, in a folder of its own. The error says what does not fit.
Result<std::string> long_path(const std::string& temp, std::size_t bytes);
/// That folder; "" where the path is none of these.
std::string folder_of_long_path(const std::string& temp, const std::string& path);

/// AF_INET, AF_INET6 or AF_UNIX.
int domain_of(const ServerAddress& server);
/// What a client's step calls `to`: the server (""), "broadcast", "subnet-broadcast", or an
/// address.
Result<SocketAddress> address_of(const ServerAddress& server, const std::string& to);
/// What a client binds to that asks for an address or a port of its own.
Result<SocketAddress> address_to_bind(const ServerAddress& server, const SocketRequest& request);
/// What a client's step asks of its socket; "again" is the port of its socket before.
SocketRequest request_of(const Connect& connect, std::optional<std::uint16_t> last_port);
SocketRequest request_of(const Open& open, std::optional<std::uint16_t> last_port);
/// Whether a datagram from there is the server's: see Sockets::is_servers().
bool is_of(const ServerAddress& server, const SocketAddress& from);
/// Whether, at this rest, all was read that the client's socket of this inode sent.
bool is_read_of(const ServerAddress& server, std::uint64_t inode, const RestReport& rest);
/// Which of its listeners is where it was told to listen; an AF_UNIX path as the server names it.
Listening listening_at(const ServerAddress& server, const std::vector<Listener>& listeners);

// What epoll(7) is asked for of a client's socket, and what it answers.
epoll_event watch_for(SocketId socket);
Ready ready_of(const epoll_event& event);

/// SHUT_WR, SHUT_RD or SHUT_RDWR.
int direction_of(Shutdown::How how);

}  // namespace sockdrill
