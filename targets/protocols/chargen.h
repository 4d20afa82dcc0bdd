#pragma once

// Character generator, RFC 864.
//
// Over a stream it talks on whatever the client says, as fast as the client reads: lines of 72 out
// of the 95 printable characters, each line beginning one character later than the one before. When
// the client ends its side, the line begun is completed and that is all; at least one line is
// always sent. Over datagrams each request gets one reply of 0 to 512 characters; the lengths pass
// through all 513 values.

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

class ChargenStream final : public StreamHandler {
 public:
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return is_finished_; }

 private:
  [[nodiscard]] bool is_between_lines() const {
    return position_ % kLineBytes == 0 && position_ > 0;
  }

  static constexpr std::size_t kLineBytes = 74;  // 72 characters, CR, LF.
  static constexpr std::size_t kLines = 95;      // Then the pattern begins again.

  std::size_t position_ = 0;
  bool is_finished_ = false;
};

class ChargenDatagram final : public DatagramHandler {
 public:
  std::optional<std::string_view> answer(std::string_view request, std::int64_t unix_seconds,
                                         std::span<char> scratch) override;

 private:
  std::size_t length_ = 0;
};

}  // namespace sockdrill::protocols
