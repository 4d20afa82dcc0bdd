#include "harness/watch/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace sockdrill {
namespace {

constexpr std::size_t kLongestLine = 512;

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

/// A stream of its own, from the start, over the folder that `parent` and `path` lead to.
Folder open_folder(int parent, const char* path) {
  const int fd = ::openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return Folder(fd < 0 ? nullptr : ::fdopendir(fd), &::closedir);
}

}  // namespace

Nanoseconds duration_of_ticks(std::uint64_t ticks) {
  static const auto kPerSecond = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return Nanoseconds(static_cast<std::int64_t>(ticks * (1'000'000'000U / kPerSecond)));
}

SysResult<std::string> read_from_start(Fd file) {
  std::string text;
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t length =
        ::pread(raw(file), chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
    if (length < 0) return fail(last_errno());
    text.append(chunk.data(), static_cast<std::size_t>(length));
    // A read ends early only where the next line would not fit. Asking again just to be told that
    // this was all would make the kernel write the whole file once more.
    if (static_cast<std::size_t>(length) + kLongestLine < chunk.size()) return text;
  }
}

SysResult<std::string> read_proc(const std::string& path) {
  const OwnedFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return fail(last_errno());
  return read_from_start(file.get());
}

std::vector<pid_t> list_numbers(Fd folder) {
  std::vector<pid_t> numbers;
  const Folder stream = open_folder(raw(folder), ".");
  if (!stream) return numbers;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (const auto number = number_in<pid_t>(&entry->d_name[0])) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void for_each_descriptor(
    pid_t pid, const std::function<void(std::string_view name, std::string_view link)>& take) {
  const Folder folder = open_folder(AT_FDCWD, fmt::format("/proc/{}/fd", pid).c_str());
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    std::array<char, 64> link{};
    const ssize_t length =
        ::readlinkat(::dirfd(folder.get()), &entry->d_name[0], link.data(), link.size());
    if (length < 0) continue;
    take(&entry->d_name[0], std::string_view(link.data(), static_cast<std::size_t>(length)));
  }
}

}  // namespace sockdrill
