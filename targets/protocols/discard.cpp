#include "targets/protocols/discard.h"

namespace sockdrill::protocols {

Progress DiscardStream::advance(std::string_view input, bool input_ended, std::span<char>) {
  is_finished_ = input_ended;
  return {.consumed = input.size(), .produced = 0};
}

std::optional<std::string_view> DiscardDatagram::answer(std::string_view, std::int64_t,
                                                        std::span<char>) {
  return std::nullopt;
}

}  // namespace sockdrill::protocols
