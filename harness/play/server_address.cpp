#include "harness/play/server_address.h"

#include <sys/socket.h>

#include <algorithm>

#include <fmt/format.h>

namespace sockdrill {

namespace {

/// Long, so that a path that is cut off by some octets still names a file.
constexpr std::string_view kLongPathEnd = "/server-with-a-long-path.sock";
constexpr char kLongPathFiller = 'd';

}  // namespace

Result<std::string> long_path(const std::string& temp, std::size_t bytes) {
  const std::size_t others = temp.size() + 1 + kLongPathEnd.size();
  if (bytes <= others) return fail(fmt::format("no path below {} has {} octets", temp, bytes));
  return temp + "/" + std::string(bytes - others, kLongPathFiller) + std::string(kLongPathEnd);
}

std::string folder_of_long_path(const std::string& temp, const std::string& path) {
  if (!path.starts_with(temp + "/") || !path.ends_with(kLongPathEnd)) return "";
  const std::string folder = path.substr(0, path.size() - kLongPathEnd.size());
  const bool is_filler =
      folder.find_first_not_of(kLongPathFiller, temp.size() + 1) == std::string::npos;
  return is_filler && folder.size() > temp.size() + 1 ? folder : "";
}

int domain_of(const ServerAddress& server) {
  if (is_unix(server.transport)) return AF_UNIX;
  return server.family == Family::ipv6 ? AF_INET6 : AF_INET;
}

Result<SocketAddress> address_of(const ServerAddress& server, const std::string& to) {
  if (is_unix(server.transport)) return unix_address(server.path);
  if (to == "broadcast") return ip_address("255.255.255.255", server.port);
  if (to == "subnet-broadcast") return ip_address(kLinkBroadcast, server.port);
  if (!to.empty()) return ip_address(to, server.port);
  return ip_address(server.family == Family::ipv6 ? "::1" : "127.0.0.1", server.port);
}

Result<SocketAddress> address_to_bind(const ServerAddress& server, const SocketRequest& request) {
  const std::string any = server.family == Family::ipv6 ? "::" : "0.0.0.0";
  return ip_address(request.from_address.empty() ? any : request.from_address,
                    request.from_port.value_or(0));
}

bool is_of(const ServerAddress& server, const SocketAddress& from) {
  if (is_unix(server.transport)) return true;
  return from.length == 0 || from.port() == server.port;
}

bool is_read_of(const ServerAddress& server, std::uint64_t inode, const RestReport& rest) {
  if (rest.rest == Rest::settled) return true;
  // The kernel does not say whose datagrams stand in a queue.
  if (rest.rest != Rest::blocked || server.transport == Transport::udp) return false;
  return std::ranges::find(rest.unread_of, inode) == rest.unread_of.end();
}

Listening listening_at(const ServerAddress& server, const std::vector<Listener>& listeners) {
  Listening found;
  for (const Listener& listener : listeners) {
    const std::string address =
        fmt::format("{} {}", to_string(listener.transport), to_string(listener.address));
    const bool is_place = is_unix(server.transport) ? to_string(listener.address) == server.path
                                                    : listener.address.port() == server.port;
    const bool is_family = server.family == Family::ipv4 || is_unix(server.transport) ||
                           listener.address.family() == AF_INET6;
    if (listener.transport == server.transport && is_place && is_family) {
      found.is_there = true;
      found.where = address;
    } else {
      found.elsewhere.push_back(address);
    }
  }
  return found;
}

epoll_event watch_for(SocketId socket) {
  return epoll_event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                     .data = {.u64 = static_cast<std::uint64_t>(socket)}};
}

Ready ready_of(const epoll_event& event) {
  const bool is_over = (event.events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0;
  return Ready{.socket = SocketId{static_cast<int>(event.data.u64)},
               .readable = is_over || (event.events & EPOLLIN) != 0,
               .writable = is_over || (event.events & EPOLLOUT) != 0};
}

int direction_of(Shutdown::How how) {
  if (how == Shutdown::How::write) return SHUT_WR;
  return how == Shutdown::How::read ? SHUT_RD : SHUT_RDWR;
}

SocketRequest request_of(const Connect& connect, std::optional<std::uint16_t> last_port) {
  return {.receive_buffer = connect.receive_buffer,
          .send_buffer = connect.send_buffer,
          .from_address = connect.from.address,
          .from_port = connect.from.is_same_port ? last_port : connect.from.port,
          .is_unnamed = connect.from.is_unnamed};
}

SocketRequest request_of(const Open& open, std::optional<std::uint16_t> last_port) {
  return {.receive_buffer = open.receive_buffer,
          .send_buffer = open.send_buffer,
          .from_address = open.from.address,
          .from_port = open.from.is_same_port ? last_port : open.from.port,
          .is_unnamed = open.from.is_unnamed,
          .broadcast = open.broadcast};
}

}  // namespace sockdrill
