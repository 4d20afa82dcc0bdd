#pragma once

// What a server model sees of a protocol: bytes in, bytes out, nothing else.
//
// A handler owns no descriptor, reads no clock and makes no system call. It never produces more
// than the room it is given, so the caller decides how much memory a client may cost. One handler
// serves one client (stream) or one socket (datagram); it is not thread-safe and needs not be.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sockdrill::protocols {

struct Progress {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  bool operator==(const Progress&) const = default;
};

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  /// Takes bytes from the front of `input` and writes reply bytes to the front of `room`. It may
  /// stop early; whoever calls goes on calling until nothing moves. `{0, 0}` means: more input, or
  /// more room, please. `input_ended` says that nothing will follow after `input`.
  virtual Progress advance(std::string_view input, bool input_ended, std::span<char> room) = 0;
  /// Everything has been said. What still comes from the client is thrown away.
  [[nodiscard]] virtual bool is_finished() const = 0;
};

class DatagramHandler {
 public:
  /// No reply is longer than its request or this, whichever is more.
  static constexpr std::size_t kScratchBytes = 8192;

  virtual ~DatagramHandler() = default;
  /// The one reply to a request, or nothing where the protocol is silent. An empty request is a
  /// request, an empty reply a reply. The reply lies in `request` or in `scratch` (at least
  /// kScratchBytes).
  virtual std::optional<std::string_view> answer(std::string_view request,
                                                 std::int64_t unix_seconds,
                                                 std::span<char> scratch) = 0;
};

/// Copies as much of `from` as `room` takes, and says how much that was.
std::size_t copy_some(std::string_view from, std::span<char> room);

}  // namespace sockdrill::protocols
