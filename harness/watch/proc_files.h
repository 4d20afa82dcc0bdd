#pragma once

// Small helpers over /proc that several files of this folder share.

#include <sys/types.h>

#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/base/fd.h"
#include "harness/base/result.h"

namespace sockdrill {

/// The whole word as a number, or nothing.
template <typename Number>
std::optional<Number> number_in(std::string_view word, int base = 10) {
  Number number{};
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number, base);
  if (word.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// Of clock ticks, as /proc counts them.
Nanoseconds duration_of_ticks(std::uint64_t ticks);

/// What a held file of /proc says now.
SysResult<std::string> read_from_start(Fd file);
/// What a file of /proc says: read_file() would make the kernel write it twice, once to say that
/// this was all.
SysResult<std::string> read_proc(const std::string& path);

/// The entries of a folder that are numbers (threads, processes), in order. Empty when it cannot be
/// read.
std::vector<pid_t> list_numbers(Fd folder);

/// For each descriptor of a process: its number and what it leads to ("socket:[4711]").
void for_each_descriptor(
    pid_t pid, const std::function<void(std::string_view name, std::string_view link)>& take);

}  // namespace sockdrill
