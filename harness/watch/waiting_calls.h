#pragma once

// The system calls in which a server's thread may be found asleep, and where each keeps its
// timeout.

#include <optional>

namespace sockdrill {

/// Where a call keeps its timeout. What is not listed is untimed.
enum class Timeout {
  none,
  milliseconds,      ///< an int; negative = none
  timespec_pointer,  ///< NULL = none
  timeval_pointer,
  absolute_realtime,  ///< a timespec pointer
  clock,              ///< clock_nanosleep: (clock, flags, timespec pointer)
  futex,              ///< depends on the operation
  option,             ///< SO_RCVTIMEO or SO_SNDTIMEO
  unknown,
};

/// What the call is for us.
enum class Role {
  plain,
  sleeps,         ///< waits for time only, or may do
  polls,          ///< poll(2) and its kin: sleeps when the set (argument 1) is empty
  selects,        ///< select(2) and its kin: likewise (argument 0)
  on_descriptor,  ///< waits for its first argument
  output,         ///< on_descriptor, and has something to send
  closes,         ///< close(2): waits only for SO_LINGER
  creates,        ///< a process or a thread: waits for its exec, or at the gate of a process limit
};

struct WaitingCall {
  long number = 0;
  const char* name = "";
  Timeout timeout = Timeout::none;
  int argument = 0;  ///< index of the timeout
  Role role = Role::plain;
};

/// Nothing for a call that is not known as a waiting one.
const WaitingCall* find_waiting_call(long number);

}  // namespace sockdrill
