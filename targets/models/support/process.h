#pragma once

// What a server owes the process it runs in: sane descriptors 0 to 2, no death by SIGPIPE, a clean
// stop.

#include <cstdint>
#include <string>

#include "targets/models/support/owned_fd.h"

namespace sockdrill::models {

/// Opens /dev/null as whichever of descriptors 0, 1 and 2 is closed: else the first client becomes
/// "stdout" and reads our messages. Ignores SIGPIPE: a lost client or a closed log is an errno, not
/// a death. False, with a message, if that cannot be done.
bool prepare_process();

/// Blocks SIGTERM and SIGINT and returns a descriptor that becomes readable when one comes. Nobody
/// reads it, so it stays readable and wakes every loop, thread and child that polls it. There is no
/// moment in which a signal is lost, as there is between testing a flag and poll(), and no flood of
/// traffic hides it, as it does from a loop that unblocks signals only inside ppoll(). Empty, with
/// a message, on failure.
OwnedFd open_stop_fd();

/// Prints `listening on WHERE`. Gives up rather than wait for a reader.
void announce(const std::string& where);

/// Prints `PROGRAM: CALL: the text of errno`, and returns 1 for main to return.
int fail(const std::string& call);
/// The same with a message of our own.
int fail_with(const std::string& message);

/// The same once the server serves: a message that would have to wait for its reader is dropped.
void log_error(const std::string& call);

/// Milliseconds of a clock that is never set.
std::int64_t now_ms();
/// Seconds since 1970.
std::int64_t unix_seconds();

inline constexpr std::int64_t kNever = INT64_MAX;

enum class Woken { ready, timed_out, stopped };

/// Waits until `fd` is ready for `events` (or has failed), until now_ms() reaches `deadline_ms`, or
/// until the stop descriptor says so, which wins. With fd -1 it only pauses.
Woken wait_for(int fd, short events, int stop_fd, std::int64_t deadline_ms = kNever);

/// What poll() and its kin take as a timeout: -1 for kNever, 0 for what is over.
int timeout_until(std::int64_t deadline_ms);

/// After poll() and its kin have failed: nothing for EINTR, else a moment's pause. ENOMEM passes,
/// and must not make us spin.
void recover_from_wait_error();

}  // namespace sockdrill::models
