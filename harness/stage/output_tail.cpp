#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.h"
#include "harness/stage/stage.h"

namespace sockdrill {

void OutputTail::append(std::string_view text) {
  total_ += text.size();
  const std::size_t to_head = std::min(kKept - head_.size(), text.size());
  head_.append(text.substr(0, to_head));
  text.remove_prefix(to_head);
  if (text.size() > kKept) text.remove_prefix(text.size() - kKept);
  tail_.append(text);
  // Twice as much is kept for a while, so that a flood does not move the tail with each piece.
  if (tail_.size() > 2 * kKept) tail_.erase(0, tail_.size() - kKept);
}

std::string OutputTail::text() const {
  const std::string_view tail =
      std::string_view(tail_).substr(tail_.size() > kKept ? tail_.size() - kKept : 0);
  const std::uint64_t left_out = total_ - head_.size() - tail.size();
  if (left_out == 0) return head_ + std::string(tail);
  return fmt::format("{}\n[... {} left out ...]\n{}", head_, count_of(left_out, "byte"), tail);
}

}  // namespace sockdrill
