#include "targets/protocols/length_prefixed.h"

#include <algorithm>

namespace sockdrill::protocols {
namespace {

std::uint32_t octet(char byte) { return static_cast<unsigned char>(byte); }

}  // namespace

Progress LengthPrefixedStream::advance(std::string_view input, bool input_ended,
                                       std::span<char> room) {
  const std::size_t consumed = is_replying_ ? 0 : collect(input);
  const std::size_t produced = is_replying_ ? reply(room) : 0;
  if (!is_replying_ && input_ended && consumed == input.size()) is_finished_ = true;
  return {.consumed = consumed, .produced = produced};
}

/// Takes input up to the end of the header or of the frame.
std::size_t LengthPrefixedStream::collect(std::string_view input) {
  const std::size_t taken = copy_some(input, std::span(frame_).subspan(filled_, wanted_ - filled_));
  filled_ += taken;
  if (filled_ < wanted_) return taken;
  if (wanted_ == kHeader) {
    read_header();
  } else {
    is_replying_ = true;
  }
  return taken;
}

void LengthPrefixedStream::read_header() {
  const std::uint32_t length =
      octet(frame_[0]) << 24 | octet(frame_[1]) << 16 | octet(frame_[2]) << 8 | octet(frame_[3]);
  is_finished_ = length > kMaxPayload;
  is_replying_ = length == 0;
  if (!is_finished_) wanted_ = kHeader + length;
}

std::size_t LengthPrefixedStream::reply(std::span<char> room) {
  const std::size_t produced = copy_some({frame_.data() + sent_, filled_ - sent_}, room);
  sent_ += produced;
  if (sent_ < filled_) return produced;
  wanted_ = kHeader;
  filled_ = sent_ = 0;
  is_replying_ = false;
  return produced;
}

}  // namespace sockdrill::protocols
