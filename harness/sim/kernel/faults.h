#pragma once

// What the kernel is to do to programs' calls beside what the network and the clients bring about:
// a call of a kind is counted when it begins, and a fault says which of them it strikes.
//
// Kept here, carried out where programs enter the kernel (sim/libc): our own clients' calls are
// neither counted nor struck.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace sockdrill::sim {

/// Families of calls, each counted on its own. Of `receive` and `send` only those on sockets.
enum class CallKind { accept, receive, send, wait, open, fork, thread };
inline constexpr std::size_t kCallKinds = 7;

struct CallFault {
  enum class Effect {
    fails,        ///< with `error`
    falls_short,  ///< moves at most `octets`
    spurious      ///< of wait: names something that is not ready
  };
  std::size_t id = 0;  ///< the caller's own
  CallKind kind = CallKind::receive;
  std::uint64_t nth = 1;  ///< of all processes' calls of this kind since arm(), from 1
  Effect effect = Effect::fails;
  int error = 0;
  std::size_t octets = 0;
};

class FaultPlan final {
 public:
  /// Counting begins anew; with no fault nothing is counted. Of several faults for the same call
  /// the first counts.
  void arm(const std::vector<CallFault>& faults);
  [[nodiscard]] bool is_armed() const { return is_armed_; }

  /// One call more. The fault that is meant for it; nullptr: none. Good until the next arm().
  const CallFault* count(CallKind kind);

  /// Told of each fault that has had an effect; a fault that no real kernel would have at such a
  /// call (EINTR without a handler, EAGAIN of a blocking socket) has none.
  std::function<void(const CallFault&)> on_strike;

 private:
  struct OfKind {
    std::uint64_t count = 0;
    std::size_t next = 0;
    std::vector<CallFault> faults;  ///< by nth
  };
  bool is_armed_ = false;
  std::array<OfKind, kCallKinds> kinds_;
};

}  // namespace sockdrill::sim
