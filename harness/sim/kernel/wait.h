#pragma once

// How calls of the simulated kernel wait: they do not.
//
// Every call returns at once: a value, an errno, or "must wait" with the queues on which the caller
// is to be woken. The caller (a task of sim/tasks; a client of the simulated world) parks on them
// and asks again when it is woken, when the deadline is there, or gives up when a signal came. A
// wake-up means "ask again", never more.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/base/errno.h"
#include "harness/sim/kernel/ref.h"

namespace sockdrill::sim {

/// Time since the simulated machine booted: its CLOCK_MONOTONIC. Not the time of the real machine.
using VirtualTime = Nanoseconds;
inline constexpr VirtualTime kNever = VirtualTime::max();

class WaitQueue;

/// Whoever can be woken. Not owned by the queues.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// `events` are the poll(2) bits that may have changed; 0 = any. Must not call the kernel: it
  /// notes that there is something to ask. False when it had been woken already, so that another
  /// exclusive waiter gets this wake-up.
  virtual bool wake(std::uint32_t events) = 0;
};

/// A waiter's place in one queue. Leaves the queue when it is destroyed; the queue may go first.
class WaitLink final {
 public:
  WaitLink() = default;
  WaitLink(const WaitLink&) = delete;
  WaitLink& operator=(const WaitLink&) = delete;
  ~WaitLink() { detach(); }

  /// At the queue's end. An exclusive one is woken alone (accept(2), recvmsg(2) of datagrams,
  /// epoll_wait(2)), the others always.
  void attach(WaitQueue& queue, Waiter& waiter, bool is_exclusive = false);
  void detach();
  [[nodiscard]] bool is_attached() const { return queue_ != nullptr; }

 private:
  friend class WaitQueue;
  WaitQueue* queue_ = nullptr;
  Waiter* waiter_ = nullptr;
  WaitLink* previous_ = nullptr;
  WaitLink* next_ = nullptr;
  bool is_exclusive_ = false;
};

class WaitQueue final {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  ~WaitQueue();

  /// All that are not exclusive, and the first exclusive one that takes it. How many those were.
  std::size_t wake(std::uint32_t events = 0) { return wake_links(events, false); }
  /// Exclusive ones, too.
  std::size_t wake_all(std::uint32_t events = 0) { return wake_links(events, true); }
  [[nodiscard]] bool is_empty() const { return first_ == nullptr; }

 private:
  friend class WaitLink;
  std::size_t wake_links(std::uint32_t events, bool all);

  WaitLink* first_ = nullptr;
  WaitLink* last_ = nullptr;
  WaitLink* cursor_ = nullptr;  ///< the next to be woken, while waking
};

/// Why a call did not end with a value.
struct Stop {
  Errno error;                 ///< 0: it must wait
  WaitQueue* queue = nullptr;  ///< where; nullptr with no more_queues: only for the deadline
  /// Of calls that wait for several things (poll, select): they are the call's.
  std::span<WaitQueue* const> more_queues;
  VirtualTime until = kNever;  ///< at the latest; then the call is asked again and ends
  bool is_exclusive = false;
  /// Whether SA_RESTART restarts it (signal(7)); if not, EINTR whatever the handler's flags.
  bool is_restartable = true;
  /// Whether a signal that no handler takes lets it wait on; else a stop and SIGCONT end it with
  /// EINTR, too (signal(7), "Interruption of system calls by stop signals").
  bool outlasts_stop = true;

  [[nodiscard]] bool must_wait() const { return error.value == 0; }
};

template <typename T>
using Outcome = tl::expected<T, Stop>;

inline tl::unexpected<Stop> refuse(int error) {
  return tl::unexpected<Stop>(Stop{.error = Errno{error}, .more_queues = {}});
}

/// "Must wait" there.
inline tl::unexpected<Stop> wait_on(WaitQueue& queue, bool is_exclusive = false) {
  return tl::unexpected<Stop>(
      Stop{.error = {}, .queue = &queue, .more_queues = {}, .is_exclusive = is_exclusive});
}

/// One call of a program, kept by the caller from the first time it asks to the last.
struct Call {
  std::size_t done = 0;            ///< octets moved so far (a blocking send of much, MSG_WAITALL)
  Ref<Counted> held;               ///< what the call keeps alive: the file that close(2) closes
  bool has_begun = false;          ///< the deadline is fixed, a connection attempt is made, ...
  VirtualTime until = kNever;      ///< fixed when it begins: SO_RCVTIMEO, a poll's timeout, ...
  std::vector<WaitQueue*> queues;  ///< of one that waits for several things

  /// Fixes `until` when it asks for the first time; no timeout (nullopt) waits for ever.
  void begin(VirtualTime now, std::optional<Nanoseconds> timeout) {
    if (has_begun) return;
    has_begun = true;
    if (timeout) until = now + *timeout;
  }
};

/// A call that a signal interrupts ends with what it has moved so far, if anything (signal(7)).
inline bool ends_with_a_part(const Call& call) { return call.done > 0; }

}  // namespace sockdrill::sim
