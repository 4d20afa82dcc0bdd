#pragma once

// Descriptors. An `Fd` is borrowed; an `OwnedFd` closes exactly once. Neither is an int by
// accident.

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "harness/base/result.h"

namespace sockdrill {

enum class Fd : int {};

inline constexpr Fd kNoFd{-1};
inline int raw(Fd fd) { return static_cast<int>(fd); }

class OwnedFd final {
 public:
  OwnedFd() = default;
  explicit OwnedFd(Fd fd) : fd_(fd) {}
  explicit OwnedFd(int fd) : fd_(Fd{fd}) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, kNoFd)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, kNoFd);
    }
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { reset(); }

  [[nodiscard]] Fd get() const { return fd_; }
  [[nodiscard]] int raw() const { return static_cast<int>(fd_); }
  [[nodiscard]] bool is_open() const { return fd_ != kNoFd; }
  /// Hands the descriptor to the caller, who closes it.
  [[nodiscard]] Fd release() { return std::exchange(fd_, kNoFd); }
  /// Closes now. EINTR is not retried: on Linux the number is free already (close(2), NOTES).
  void reset();

 private:
  Fd fd_ = kNoFd;
};

struct Pipe {
  OwnedFd read_end;
  OwnedFd write_end;
};
/// A close-on-exec pipe.
SysResult<Pipe> make_pipe();

/// The whole of a file. An error for what cannot be opened or read (EISDIR for a folder), and EFBIG
/// for one of more than `most` octets, of which no more are read.
SysResult<std::string> read_file(const std::string& path,
                                 std::size_t most = std::numeric_limits<std::size_t>::max());
/// Of a file that is open here, from its beginning; "" when it cannot be read.
std::string contents_of(const OwnedFd& file);
/// Makes it anew, whatever was there. After an error a part of it may stand there.
SysResult<void> write_file(const std::string& path, std::string_view octets);

}  // namespace sockdrill
