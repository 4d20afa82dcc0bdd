#include "harness/watch/remote.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "harness/base/fd.h"
#include "harness/watch/proc_files.h"

namespace sockdrill {
namespace {

// Not in the C library of Debian 12.
OwnedFd open_process(pid_t pid) {
  return OwnedFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}
OwnedFd copy_descriptor(const OwnedFd& process, int descriptor) {
  return OwnedFd{static_cast<int>(::syscall(SYS_pidfd_getfd, process.raw(), descriptor, 0))};
}

std::optional<Nanoseconds> later(std::optional<Nanoseconds> one, std::optional<Nanoseconds> other) {
  return std::max(one, other);  // Nothing is less than any time.
}

/// "(1, 500)" behind `key`: seconds and nanoseconds.
std::optional<Nanoseconds> pair_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  const std::size_t open = text.find('(');
  const std::size_t comma = text.find(", ");
  if (open == std::string_view::npos || comma == std::string_view::npos) return std::nullopt;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data() + open + 1, end, seconds);
  const auto second = std::from_chars(text.data() + comma + 2, end, nanoseconds);
  if (first.ec != std::errc{} || second.ec != std::errc{}) return std::nullopt;
  return std::chrono::seconds(seconds) + Nanoseconds(nanoseconds);
}

std::optional<Nanoseconds> find_timerfds(pid_t pid, Nanoseconds horizon) {
  std::optional<Nanoseconds> longest;
  for_each_descriptor(pid, [&](std::string_view name, std::string_view link) {
    if (link != "anon_inode:[timerfd]") return;
    const auto text = read_proc(fmt::format("/proc/{}/fdinfo/{}", pid, name));
    const auto left = text ? parse_timerfd(*text) : std::nullopt;
    if (left < horizon) longest = later(longest, left);
  });
  return longest;
}

bool has_posix_timers(pid_t pid) {
  const auto text = read_proc(fmt::format("/proc/{}/timers", pid));
  return text && !text->empty();
}

}  // namespace

ReadMemory memory_of(pid_t pid) {
  return [pid](std::uint64_t address, std::span<std::byte> into) {
    const iovec local{into.data(), into.size()};
    // An address of the other process, not a pointer of ours.
    void* there = reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr)
    const iovec remote{there, into.size()};
    return ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(into.size());
  };
}

std::optional<Nanoseconds> socket_timeout(pid_t pid, int descriptor, bool is_output) {
  const OwnedFd process = open_process(pid);
  if (!process.is_open()) return std::nullopt;
  const OwnedFd socket = copy_descriptor(process, descriptor);
  if (!socket.is_open()) return std::nullopt;
  timeval timeout{};
  socklen_t length = sizeof(timeout);
  if (::getsockopt(socket.raw(), SOL_SOCKET, is_output ? SO_SNDTIMEO : SO_RCVTIMEO, &timeout,
                   &length) != 0) {
    return Nanoseconds{0};  // A pipe or a file has no such thing.
  }
  return std::chrono::seconds(timeout.tv_sec) + std::chrono::microseconds(timeout.tv_usec);
}

std::optional<Nanoseconds> parse_timerfd(std::string_view fdinfo) {
  const auto left = pair_after(fdinfo, "it_value:");
  if (!left || *left == Nanoseconds{0}) return std::nullopt;
  return left;
}

std::optional<Nanoseconds> find_timers(const std::vector<pid_t>& pids, Nanoseconds horizon) {
  std::optional<Nanoseconds> longest;
  for (const pid_t pid : pids) {
    longest = later(longest, find_timerfds(pid, horizon));
    if (has_posix_timers(pid)) longest = later(longest, horizon);
  }
  return longest;
}

}  // namespace sockdrill
