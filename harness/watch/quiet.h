#pragma once

// Whether packets stand in the kernel's queues between a sending and a receiving protocol.
//
// A datagram, a reset or the last ACK of a handshake shows in no socket until it is processed, and
// a loaded machine leaves that to ksoftirqd. Each CPU has one queue for what was sent over loopback
// or veth (/proc/net/softnet_stat). A queue seen empty once *after* the last thing was sent has let
// that thing through; so the CPUs need not be empty at the same moment, and strangers' traffic on
// the same machine only delays the answer.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/base/fd.h"

namespace sockdrill {

/// Packets queued, by CPU. Nothing before Linux 5.7, which does not print them.
std::optional<std::vector<std::uint64_t>> parse_backlog(std::string_view text);

class QuietNetwork final {
 public:
  QuietNetwork();
  /// For tests: `text` is what stands in for softnet_stat.
  void observe(std::string_view text);

  /// `state` names what is true of sockets and tasks now; when it differs from the last one, what
  /// was seen before counts no more.
  void begin(std::uint64_t state);
  void observe();
  /// Every CPU's queue was empty at some moment since the state began. Nothing when this kernel
  /// does not tell.
  [[nodiscard]] std::optional<bool> is_quiet() const;

 private:
  OwnedFd softnet_;
  std::uint64_t state_ = 0;
  bool is_known_ = true;
  std::vector<bool> drained_;  ///< by CPU
};

}  // namespace sockdrill
