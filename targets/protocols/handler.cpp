#include "targets/protocols/handler.h"

#include <algorithm>

namespace sockdrill::protocols {

std::size_t copy_some(std::string_view from, std::span<char> room) {
  const std::size_t length = std::min(from.size(), room.size());
  std::copy_n(from.begin(), length, room.begin());
  return length;
}

}  // namespace sockdrill::protocols
