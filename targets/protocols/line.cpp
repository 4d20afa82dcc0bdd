#include "targets/protocols/line.h"

#include <algorithm>

namespace sockdrill::protocols {
namespace {

constexpr std::string_view kOk = "ok ";
constexpr std::string_view kTooLong = "error line too long\n";
constexpr std::size_t kMaxDatagramText = 4096;

}  // namespace

Progress LineStream::advance(std::string_view input, bool input_ended, std::span<char> room) {
  // Without room for the reply nothing is taken: the kernel then slows the client down, not we.
  const std::size_t consumed = state_ == State::reading && !room.empty() ? collect(input) : 0;
  const std::size_t produced = reply(room);
  if (state_ == State::reading && input_ended && consumed == input.size()) is_finished_ = true;
  return {.consumed = consumed, .produced = produced};
}

/// Takes input up to the end of a line, or to where the line is too long.
std::size_t LineStream::collect(std::string_view input) {
  const std::size_t newline = std::min(input.find('\n'), input.size());
  const std::size_t taken = copy_some(input.substr(0, newline), std::span(line_).subspan(length_));
  length_ += taken;
  const bool is_over_full = length_ == line_.size() && line_[kMaxText] != '\r';
  if (taken < newline || is_over_full) {
    state_ = State::too_long;
    return taken;
  }
  if (newline == input.size()) return taken;
  end_line();
  return taken + 1;
}

void LineStream::end_line() {
  if (length_ > 0 && line_[length_ - 1] == '\r') --length_;
  state_ = State::ok;
}

std::size_t LineStream::reply(std::span<char> room) {
  std::size_t produced = 0;
  if (state_ == State::too_long) return reply_part(kTooLong, State::reading, room);
  if (state_ == State::ok) produced += reply_part(kOk, State::text, room);
  if (state_ == State::text) {
    produced += reply_part({line_.data(), length_}, State::newline, room.subspan(produced));
  }
  if (state_ == State::newline) {
    produced += reply_part("\n", State::reading, room.subspan(produced));
  }
  return produced;
}

std::size_t LineStream::reply_part(std::string_view part, State next, std::span<char> room) {
  const std::size_t produced = copy_some(part.substr(sent_), room);
  sent_ += produced;
  if (sent_ < part.size()) return produced;
  if (state_ == State::too_long) is_finished_ = true;
  if (next == State::reading) length_ = 0;
  state_ = next;
  sent_ = 0;
  return produced;
}

std::optional<std::string_view> LineDatagram::answer(std::string_view request, std::int64_t,
                                                     std::span<char> scratch) {
  if (request.ends_with('\n')) {
    request.remove_suffix(1);
    if (request.ends_with('\r')) request.remove_suffix(1);
  }
  if (request.size() > kMaxDatagramText) return kTooLong;
  std::size_t length = copy_some(kOk, scratch);
  length += copy_some(request, scratch.subspan(length));
  length += copy_some("\n", scratch.subspan(length));
  return std::string_view(scratch.data(), length);
}

}  // namespace sockdrill::protocols
