#pragma once

// One connection through the proxy: its client's socket, its server's, and what is on the way
// between them. Internal to record/.

#include "harness/record/proxy_sockets.h"

namespace sockdrill {

class Relay final {
 public:
  /// `next_connection` numbers those that come about. The references outlive this.
  Relay(OwnedFd client, Connecting server, std::size_t& next_connection,
        const ProxyOptions& options, ProxyObserver& observer);

  void add_to(SocketPoll& sockets);
  /// After a wait.
  void serve(const SocketPoll& sockets);
  /// Both sides have ended and have all that was for them, or one was reset. Both are closed then.
  [[nodiscard]] bool is_over() const { return is_over_; }

 private:
  struct Side {
    OwnedFd socket;
    Bytes waiting;               ///< for this side, which has not taken it yet
    bool has_ended = false;      ///< nothing comes from it any more
    bool knows_end = false;      ///< it was told that the other side has ended
    bool takes_nothing = false;  ///< a write to it failed; what came from it before is still read
    std::size_t place = 0;       ///< in the wait
  };

  void add_side(SocketPoll& sockets, Side& side, const Side& other);
  void serve_side(Side& side, Side& other, short came);
  void finish_connect(Errno error);
  void read_from(Side& side, Side& other);
  void write_to(Side& side);
  void pass_ends_on();
  void pass_end_on(Side& side, const Side& other);
  void reset(Side& side, Side& other);
  void tell(SessionEvent::Kind of_client, SessionEvent::Kind of_server, const Side& side,
            Bytes octets = {});
  void finish();

  std::size_t& next_connection_;
  std::size_t connection_ = 0;
  const ProxyOptions& options_;
  ProxyObserver& observer_;
  Side client_;
  Side server_;
  bool is_connecting_ = true;
  bool is_over_ = false;
};

}  // namespace sockdrill
