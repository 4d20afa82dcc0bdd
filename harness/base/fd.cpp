#include "harness/base/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sockdrill {

void OwnedFd::reset() {
  if (fd_ != kNoFd) static_cast<void>(::close(raw()));
  fd_ = kNoFd;
}

SysResult<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(last_errno());
  return Pipe{OwnedFd{ends[0]}, OwnedFd{ends[1]}};
}

std::string contents_of(const OwnedFd& file) {
  return read_file("/proc/self/fd/" + std::to_string(file.raw())).value_or("");
}

SysResult<std::string> read_file(const std::string& path, std::size_t most) {
  const OwnedFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return fail(last_errno());
  std::string text;
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t count = ::read(file.raw(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(last_errno());
    if (count == 0) return text;
    // Grown as it is read: a buffer of the limit's size costs more than all the rest.
    text.append(chunk.data(), static_cast<std::size_t>(count));
    if (text.size() > most) return fail(Errno{EFBIG});
  }
}

SysResult<void> write_file(const std::string& path, std::string_view octets) {
  const OwnedFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!file.is_open()) return fail(last_errno());
  while (!octets.empty()) {
    const ssize_t count = ::write(file.raw(), octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(last_errno());
    octets.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace sockdrill
