#pragma once

// A small request and response protocol: `TEXT\n` is answered by `ok TEXT\n`.
//
// A CR before the LF belongs to the terminator. A text of more than 4096 bytes is answered by
// `error line too long\n`, and over a stream that is the end. NUL and bytes above 127 are ordinary.
// What stands unterminated at the end of the input is dropped. Over datagrams a datagram is a line,
// with or without its terminator.

#include <array>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

class LineStream final : public StreamHandler {
 public:
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return is_finished_; }

 private:
  enum class State { reading, ok, text, newline, too_long };

  std::size_t collect(std::string_view input);
  void end_line();
  std::size_t reply(std::span<char> room);
  /// Sends the rest of `part`; when it is out, `next` follows.
  std::size_t reply_part(std::string_view part, State next, std::span<char> room);

  static constexpr std::size_t kMaxText = 4096;

  State state_ = State::reading;
  std::array<char, kMaxText + 1>
      line_;                // One more: the CR of a text of full length. Filled before read.
  std::size_t length_ = 0;  // Of the line so far.
  std::size_t sent_ = 0;    // Of the part of the reply that `state_` names.
  bool is_finished_ = false;
};

class LineDatagram final : public DatagramHandler {
 public:
  std::optional<std::string_view> answer(std::string_view request, std::int64_t unix_seconds,
                                         std::span<char> scratch) override;
};

}  // namespace sockdrill::protocols
