#pragma once

// Discard, RFC 863: what comes in is thrown away, and nothing ever goes out.

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

class DiscardStream final : public StreamHandler {
 public:
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return is_finished_; }

 private:
  bool is_finished_ = false;
};

class DiscardDatagram final : public DatagramHandler {
 public:
  std::optional<std::string_view> answer(std::string_view request, std::int64_t unix_seconds,
                                         std::span<char> scratch) override;
};

}  // namespace sockdrill::protocols
