#pragma once

// Echo, RFC 862: what comes in goes out.

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

class EchoStream final : public StreamHandler {
 public:
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return is_finished_; }

 private:
  bool is_finished_ = false;
};

class EchoDatagram final : public DatagramHandler {
 public:
  std::optional<std::string_view> answer(std::string_view request, std::int64_t unix_seconds,
                                         std::span<char> scratch) override;
};

}  // namespace sockdrill::protocols
