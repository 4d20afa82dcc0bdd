#include "targets/protocols/chargen.h"

namespace sockdrill::protocols {
namespace {

constexpr std::size_t kCharacters = 72;
constexpr std::size_t kPrintable = 95;  // From space to tilde.

char character_at(std::size_t line, std::size_t column) {
  if (column == kCharacters) return '\r';
  if (column == kCharacters + 1) return '\n';
  return static_cast<char>(' ' + (line + column) % kPrintable);
}

}  // namespace

Progress ChargenStream::advance(std::string_view input, bool input_ended, std::span<char> room) {
  std::size_t produced = 0;
  while (produced < room.size() && !(input_ended && is_between_lines())) {
    room[produced++] = character_at(position_ / kLineBytes, position_ % kLineBytes);
    // One whole pattern stays added, so that 0 goes on meaning "nothing sent yet".
    if (++position_ == 2 * kLines * kLineBytes) position_ = kLines * kLineBytes;
  }
  is_finished_ = input_ended && is_between_lines();
  return {.consumed = input.size(), .produced = produced};
}

std::optional<std::string_view> ChargenDatagram::answer(std::string_view, std::int64_t,
                                                        std::span<char> scratch) {
  length_ = (length_ + 197) % 513;  // 197 and 513 have no common factor: every length comes round.
  constexpr std::size_t line_bytes = kCharacters + 2;
  for (std::size_t i = 0; i < length_; ++i)
    scratch[i] = character_at(i / line_bytes, i % line_bytes);
  return std::string_view(scratch.data(), length_);
}

}  // namespace sockdrill::protocols
