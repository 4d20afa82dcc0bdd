#pragma once

// Opens what a server listens on. Each function prints `PROGRAM: call: reason` and returns an empty
// descriptor when something fails; a server that cannot listen says so at once and exits.

#include <string>

#include "targets/models/support/options.h"
#include "targets/models/support/owned_fd.h"

namespace sockdrill::models {

/// A non-blocking TCP listener on the wildcard address. It has SO_REUSEADDR, without which a
/// restart waits a minute for connections in TIME_WAIT; and never SO_REUSEPORT, which would let a
/// second server take half of the clients.
OwnedFd open_tcp_listener(const Options& options);

/// A UDP socket on the wildcard address that reports the destination of each datagram. Without
/// SO_REUSEADDR: on UDP that lets a second server take all datagrams.
OwnedFd open_udp_socket(const Options& options);

/// `0.0.0.0:7000` or `[::]:7000`, with the port that the system chose for port 0.
std::string name_of(int socket);

/// A socket at a path, and the file that belongs to it. The file goes when this goes, unless
/// another server has put its own there.
class UnixListener final {
 public:
  /// `type` is SOCK_STREAM, SOCK_SEQPACKET (both listen) or SOCK_DGRAM. A socket file that nobody
  /// listens on is replaced; a living server's, or a file of another kind, is left alone.
  UnixListener(const Options& options, int type);
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  ~UnixListener();

  [[nodiscard]] int get() const { return socket_.get(); }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }

 private:
  bool open(int type, int backlog);

  std::string path_;
  OwnedFd socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sockdrill::models
