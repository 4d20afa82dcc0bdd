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

SysResult<std::string> read_small_file(const std::string& path) {
  const OwnedFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return fail(last_errno());
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t count = ::read(file.raw(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(last_errno());
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace sockdrill
