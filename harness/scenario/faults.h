#pragma once

// What the kernel does to the server's calls, and in which order its threads run: beside the steps,
// from the first one on, or from a step on (FromHere). Each call is counted by its kind, so that a
// fault says where it strikes without a clock, and lists of faults shrink one by one.
//
// Only what a real kernel may do can be said: errors_of() lists the errors of each kind of call.
// Real kernels cannot be made to do it on demand: only a simulated one plays a scenario that has
// them (Scenario::needs_simulated_kernel).

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/document/document.h"

namespace sockdrill {

struct Fault {
  /// Families of calls, each counted on its own.
  enum class Call {
    accept,   ///< accept, accept4
    receive,  ///< read, readv, recv, recvfrom, recvmsg, on sockets
    send,     ///< write, writev, send, sendto, sendmsg, sendfile, on sockets
    wait,     ///< select, poll, epoll_wait and their like
    open,     ///< what makes a descriptor, but accept: socket, pipe, epoll_create, dup
    fork,     ///< fork, vfork, posix_spawn
    thread    ///< pthread_create
  };
  enum class Effect {
    fails,        ///< with `error`
    falls_short,  ///< moves at most `octets`; the rest stays, and is moved by later calls
    spurious      ///< of wait: tells of readiness that is none (select(2), BUGS)
  };
  Call call = Call::receive;
  std::uint64_t nth = 1;  ///< of the server's calls of this kind since then, counted from 1
  Effect effect = Effect::fails;
  std::string error;         ///< of fails: "ECONNRESET"
  std::uint64_t octets = 0;  ///< of falls_short, at least 1
  bool operator==(const Fault&) const = default;
};

inline constexpr std::uint64_t kMostNth = 1'000'000;
inline constexpr std::uint64_t kMostShortOctets = 1 << 20;
inline constexpr std::size_t kMostFaults = 1000;
inline constexpr std::size_t kMostChoices = 10'000;

/// The errors with which a call of this kind may fail: its man page's, without those that only a
/// wrong argument brings.
const std::vector<std::string>& errors_of(Fault::Call call);
bool may_fall_short(Fault::Call call);
bool may_be_spurious(Fault::Call call);
const std::vector<Fault::Call>& all_fault_calls();
std::string to_string(Fault::Call call);
/// What it does, of the call: "fails with EMFILE".
std::string effect_of(const Fault& fault);

/// Which thread goes on where several could: the first times as `choices` say, then as the seed
/// draws.
struct Schedule {
  std::uint64_t seed = 0;             ///< 0: the one that waits longest
  std::vector<std::uint8_t> choices;  ///< modulo the number of those that could
  bool operator==(const Schedule&) const = default;
};

Result<std::vector<Fault>> read_faults(const Node& node);
Json write_faults(const std::vector<Fault>& faults);
Result<Schedule> read_schedule(const Node& node);
Json write_schedule(const Schedule& schedule);

}  // namespace sockdrill
