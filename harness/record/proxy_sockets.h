#pragma once

// Sockets of the proxy, and the wait for any of them. Internal to record/.

#include <poll.h>

#include <atomic>
#include <csignal>
#include <vector>

#include "harness/base/fd.h"
#include "harness/record/proxy.h"

namespace sockdrill {

/// So many clients at a time: two descriptors each stay below the usual limit of 1024. The next one
/// waits in the backlog; over datagrams it is not served.
inline constexpr std::size_t kMostProxied = 400;
/// One read; no datagram is larger.
inline constexpr std::size_t kLargestRead = std::size_t{64} << 10U;

/// ppoll(2), with SIGINT and SIGTERM let through only while it waits: none gets lost between the
/// look at the flag and the wait. The signal mask is as before when this has gone.
class SocketPoll final {
 public:
  /// `interrupted` outlives this.
  explicit SocketPoll(const std::atomic<bool>& interrupted);
  ~SocketPoll();
  SocketPoll(const SocketPoll&) = delete;
  SocketPoll& operator=(const SocketPoll&) = delete;

  void clear() { entries_.clear(); }
  /// The place, for came(). Of an entry without events nothing comes, unless errors are wanted.
  std::size_t add(Fd fd, short events, bool wants_errors = false);
  /// Waits for any. False: interrupted.
  bool wait();
  [[nodiscard]] short came(std::size_t index) const { return entries_[index].revents; }

 private:
  const std::atomic<bool>& interrupted_;
  sigset_t usual_{};
  std::vector<pollfd> entries_;
};

/// A path that is removed with it.
class BoundPath final {
 public:
  BoundPath() = default;
  explicit BoundPath(std::string path) : path_(std::move(path)) {}
  BoundPath(BoundPath&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  BoundPath& operator=(BoundPath&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~BoundPath();

 private:
  std::string path_;
};

/// setsockopt(2) with 1; what cannot be set stays as it is.
void set_flag(Fd socket, int level, int name);

struct ProxySocket {
  BoundPath path;  ///< of AF_UNIX
  OwnedFd socket;
  SocketAddress address;  ///< with the port that the kernel has chosen
};
/// Where the options say, listening if it is for connections. The error is a person's.
Result<ProxySocket> open_proxy_socket(const ProxyOptions& options);

/// A socket on its way to the server, and how far it is: 0 connected, EINPROGRESS not yet; any
/// other errno is a failure.
struct Connecting {
  OwnedFd socket;
  Errno state;
};
Connecting connect_to_server(const ProxyOptions& options);

/// SO_ERROR, which is cleared by this.
Errno take_error(Fd socket);

}  // namespace sockdrill
