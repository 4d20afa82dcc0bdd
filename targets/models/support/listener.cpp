#include "targets/models/support/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "targets/models/support/process.h"

namespace sockdrill::models {
namespace {

union Address {
  sockaddr any;
  sockaddr_in ipv4;
  sockaddr_in6 ipv6;
  sockaddr_un unix_path;
};

bool enable(int socket, int level, int option, const char* name, int value = 1) {
  if (::setsockopt(socket, level, option, &value, sizeof value) == 0) return true;
  fail(std::string("setsockopt ") + name);
  return false;
}

/// IPv6 sockets take IPv4 clients too, whatever net.ipv6.bindv6only says.
OwnedFd open_socket(const Options& options, int type) {
  OwnedFd socket{::socket(options.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) {
    fail("socket");
    return {};
  }
  if (options.family == AF_INET6 &&
      !enable(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY", 0)) {
    return {};
  }
  return socket;
}

bool bind_to_wildcard(int socket, const Options& options) {
  Address address{};
  socklen_t length = sizeof address.ipv4;
  address.ipv4.sin_family = AF_INET;
  address.ipv4.sin_port = htons(options.port);
  if (options.family == AF_INET6) {
    address.ipv6 = {};
    length = sizeof address.ipv6;
    address.ipv6.sin6_family = AF_INET6;
    address.ipv6.sin6_port = htons(options.port);
    address.ipv6.sin6_addr = in6addr_any;
  }
  if (::bind(socket, &address.any, length) == 0) return true;
  fail("bind port " + std::to_string(options.port));
  return false;
}

bool has_listener(const Address& address, int type) {
  const OwnedFd probe{::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  // Only this one answer means that nobody is there: EAGAIN is a full backlog, EPROTOTYPE another
  // kind of server, EACCES somebody else's.
  return ::connect(probe.get(), &address.any, sizeof address.unix_path) == 0 ||
         errno != ECONNREFUSED;
}

/// True if what lies at the path is a dead server's socket and has been removed. errno says why
/// not.
bool remove_stale(const Address& address, int type) {
  const char* path = address.unix_path.sun_path;
  struct stat file {};
  if (::lstat(path, &file) != 0) return false;
  // connect() says ECONNREFUSED for a regular file too: the kind has to be looked at.
  if (!S_ISSOCK(file.st_mode) || has_listener(address, type)) {
    errno = EADDRINUSE;
    return false;
  }
  return ::unlink(path) == 0;
}

/// Holds back other servers that start in the same folder until we listen: else each may take the
/// other's fresh socket, bound but not yet listening, for a dead one. Where that is not permitted
/// it goes without.
OwnedFd lock_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  OwnedFd lock{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (lock.is_open()) static_cast<void>(::flock(lock.get(), LOCK_EX));
  return lock;
}

}  // namespace

OwnedFd open_tcp_listener(const Options& options) {
  OwnedFd socket = open_socket(options, SOCK_STREAM);
  if (!socket.is_open()) return {};
  const int fd = socket.get();
  // Linux hands these two on to accepted sockets: small replies leave at once, and a client that
  // vanished is noticed some day.
  if (!enable(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR") ||
      !enable(fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY") ||
      !enable(fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE") || !bind_to_wildcard(fd, options)) {
    return {};
  }
  if (::listen(fd, options.backlog) == 0) return socket;
  fail("listen on port " + std::to_string(options.port));
  return {};
}

OwnedFd open_udp_socket(const Options& options) {
  OwnedFd socket = open_socket(options, SOCK_DGRAM);
  if (!socket.is_open()) return {};
  const int fd = socket.get();
  // On an IPv6 socket the IPv4 option counts for the datagrams of IPv4 clients.
  if (!enable(fd, IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO")) return {};
  if (options.family == AF_INET6 &&
      !enable(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO")) {
    return {};
  }
  if (!bind_to_wildcard(fd, options)) return {};
  return socket;
}

std::string name_of(int socket) {
  Address address{};
  socklen_t length = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (::getsockname(socket, &address.any, &length) != 0) return "an unknown address";
  if (address.any.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &address.ipv6.sin6_addr, text, sizeof text);
    return std::string("[") + text + "]:" + std::to_string(ntohs(address.ipv6.sin6_port));
  }
  ::inet_ntop(AF_INET, &address.ipv4.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(address.ipv4.sin_port));
}

UnixListener::UnixListener(const Options& options, int type) : path_(options.path) {
  if (!open(type, options.backlog)) socket_ = OwnedFd{};
}

bool UnixListener::open(int type, int backlog) {
  Address address{};
  // The 108th byte stays 0: not every program reads a path without its end.
  const std::size_t most = sizeof address.unix_path.sun_path - 1;
  if (path_.size() > most) {
    fail_with("--path: " + std::to_string(path_.size()) + " bytes, and a socket's path has " +
              std::to_string(most) + " at most");
    return false;
  }
  address.unix_path.sun_family = AF_UNIX;
  std::memcpy(address.unix_path.sun_path, path_.data(), path_.size());
  socket_ = OwnedFd{::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket_.is_open()) return fail("socket") == 0;

  const OwnedFd lock = lock_folder_of(path_);
  const auto bind_here = [&] {
    return ::bind(socket_.get(), &address.any, sizeof address.unix_path) == 0;
  };
  if (!bind_here() && !(errno == EADDRINUSE && remove_stale(address, type) && bind_here())) {
    return fail("bind " + path_) == 0;
  }
  struct stat file {};
  if (::lstat(path_.c_str(), &file) != 0) return fail("lstat " + path_) == 0;
  device_ = file.st_dev;
  inode_ = file.st_ino;
  return type == SOCK_DGRAM || ::listen(socket_.get(), backlog) == 0 ||
         fail("listen on " + path_) == 0;
}

UnixListener::~UnixListener() {
  struct stat file {};
  const bool is_ours = inode_ != 0 && ::lstat(path_.c_str(), &file) == 0 &&
                       file.st_dev == device_ && file.st_ino == inode_;
  if (is_ours) ::unlink(path_.c_str());
}

}  // namespace sockdrill::models
