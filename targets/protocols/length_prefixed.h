#pragma once

// Frames: four octets of length (big-endian), then the payload; answered by the same frame.
//
// A frame is answered when it is complete, never before: a client that promises more than it sends
// gets nothing. A length above 65536 is the end of the conversation. The buffer is of fixed size
// and only the part that a client really fills becomes memory; a length is never trusted.

#include <array>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

class LengthPrefixedStream final : public StreamHandler {
 public:
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return is_finished_; }

 private:
  std::size_t collect(std::string_view input);
  void read_header();
  std::size_t reply(std::span<char> room);

  static constexpr std::size_t kHeader = 4;
  static constexpr std::size_t kMaxPayload = 65536;

  std::array<char, kHeader + kMaxPayload> frame_;  // Filled before it is read.
  std::size_t wanted_ = kHeader;                   // First the header, then header and payload.
  std::size_t filled_ = 0;
  std::size_t sent_ = 0;
  bool is_replying_ = false;
  bool is_finished_ = false;
};

}  // namespace sockdrill::protocols
