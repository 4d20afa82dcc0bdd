#pragma once

// An errno as a type of its own, so that it cannot be mistaken for a descriptor or a count.

#include <string>
#include <string_view>

namespace sockdrill {

struct Errno {
  int value = 0;
  bool operator==(const Errno&) const = default;
};

/// The calling thread's errno.
Errno last_errno();

/// The symbol a man page uses ("ECONNRESET"); "errno 4711" for a number without one.
std::string name_of(Errno error);

/// The number of a symbol ("ECONNRESET" -> 104); 0 when there is no such symbol.
Errno errno_named(const std::string& name);

/// "ECONNRESET (Connection reset by peer)".
std::string describe(Errno error);

/// Whether a text tells of this error, by its symbol or in words, in capitals or not: Python's
/// asyncio and Go say "address already in use".
bool names(std::string_view text, Errno error);

}  // namespace sockdrill
