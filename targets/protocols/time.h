#pragma once

// Time, RFC 868: four octets, big-endian, the seconds since 1900; then the server closes.
//
// The number wraps in 2036, as the RFC's 32 bits do. Over datagrams any request is answered; the
// RFC's own is empty.

#include <array>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

std::array<char, 4> time_octets(std::int64_t unix_seconds);

class TimeStream final : public StreamHandler {
 public:
  explicit TimeStream(std::int64_t unix_seconds) : octets_(time_octets(unix_seconds)) {}
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return sent_ == octets_.size(); }

 private:
  std::array<char, 4> octets_;
  std::size_t sent_ = 0;
};

class TimeDatagram final : public DatagramHandler {
 public:
  std::optional<std::string_view> answer(std::string_view request, std::int64_t unix_seconds,
                                         std::span<char> scratch) override;
};

}  // namespace sockdrill::protocols
