#include "targets/protocols/time.h"

namespace sockdrill::protocols {
namespace {

constexpr std::int64_t kSecondsFrom1900To1970 = 2'208'988'800;

}  // namespace

std::array<char, 4> time_octets(std::int64_t unix_seconds) {
  const auto seconds = static_cast<std::uint32_t>(unix_seconds + kSecondsFrom1900To1970);
  return {static_cast<char>(seconds >> 24), static_cast<char>(seconds >> 16),
          static_cast<char>(seconds >> 8), static_cast<char>(seconds)};
}

Progress TimeStream::advance(std::string_view input, bool, std::span<char> room) {
  const std::string_view all(octets_.data(), octets_.size());
  const std::size_t produced = copy_some(all.substr(sent_), room);
  sent_ += produced;
  return {.consumed = input.size(), .produced = produced};
}

std::optional<std::string_view> TimeDatagram::answer(std::string_view, std::int64_t unix_seconds,
                                                     std::span<char> scratch) {
  const std::array<char, 4> octets = time_octets(unix_seconds);
  return std::string_view(scratch.data(), copy_some({octets.data(), octets.size()}, scratch));
}

}  // namespace sockdrill::protocols
