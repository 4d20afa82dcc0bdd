#include "harness/base/errno.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "harness/base/result.h"

namespace sockdrill {

Errno last_errno() { return Errno{errno}; }

std::string name_of(Errno error) {
  const char* name = strerrorname_np(error.value);
  return name != nullptr ? std::string(name) : fmt::format("errno {}", error.value);
}

Errno errno_named(const std::string& name) {
  constexpr int highest = 133;  // EHWPOISON; see errno(3)
  for (int value = 1; value <= highest; ++value) {
    const char* candidate = strerrorname_np(value);
    if (candidate != nullptr && name == candidate) return Errno{value};
  }
  return Errno{};
}

std::string describe(Errno error) {
  return fmt::format(
      "{} ({})", name_of(error),
      strerrordesc_np(error.value) != nullptr ? strerrordesc_np(error.value) : "unknown error");
}

std::string to_string(const Error& error) {
  return error.where.empty() ? error.message : error.where + ": " + error.message;
}

bool names(std::string_view text, Errno error) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  const auto is_same = [&](char a, char b) { return small(a) == small(b); };
  const auto says = [&](std::string_view words) {
    return std::search(text.begin(), text.end(), words.begin(), words.end(), is_same) != text.end();
  };
  const char* words = strerrordesc_np(error.value);
  return says(name_of(error)) || (words != nullptr && says(words));
}

}  // namespace sockdrill
