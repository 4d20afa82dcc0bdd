#pragma once

// A descriptor that is closed exactly once.

#include <unistd.h>

#include <utility>

namespace sockdrill::models {

class OwnedFd final {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  // The result is not looked at: after EINTR and EIO the number is free as well (close(2), NOTES),
  // and closing it again would hit whoever has it by then.
  ~OwnedFd() {
    if (is_open()) ::close(fd_);
  }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace sockdrill::models
