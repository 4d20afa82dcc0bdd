#pragma once

// What a sleeping thread waits for, told from its /proc/T/syscall line: whether a timer will wake
// it, whether it sleeps blindly (for time only, so that input does not wake it), whether it is
// stuck in an output call. Pure but for the memory reader that it is handed.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "harness/base/deadline.h"
#include "harness/watch/tasks.h"

namespace sockdrill {

/// Fills `into` from the sleeping thread's memory; false when it cannot be read.
using ReadMemory = std::function<bool(std::uint64_t address, std::span<std::byte> into)>;

enum class WaitKind {
  untimed,      ///< until something happens
  timed,        ///< until something happens or `timeout` has passed
  perhaps,      ///< a timer may be involved, but it cannot be seen from here
  socket_call,  ///< as long as the socket's SO_RCVTIMEO or SO_SNDTIMEO says
};

struct Wait {
  std::string call;  ///< "epoll_wait"
  WaitKind kind = WaitKind::untimed;
  Nanoseconds timeout{0};    ///< of a `timed` wait: as it was asked for ...
  bool is_absolute = false;  ///< ... or, given as a point in time, what is left of it
  bool is_blind = false;     ///< nothing but time (or a signal) ends it
  bool is_output = false;    ///< asleep in write(2), send(2) and the like
  bool is_close = false;     ///< asleep in close(2): SO_LINGER
  bool is_creation = false;  ///< asleep in fork(2), clone(2): it goes on by itself
  bool has_descriptor = false;
  int descriptor = -1;  ///< of read, write, accept ...: the call's first argument
  bool operator==(const Wait&) const = default;
};

Wait classify_wait(const SyscallLine& line, const ReadMemory& read);

/// "epoll_wait(timeout 500 ms)", "read(fd 4)", "futex", "system call 334".
std::string to_string(const Wait& wait);

}  // namespace sockdrill
