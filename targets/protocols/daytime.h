#pragma once

// Daytime, RFC 867: one line with the date, whatever is said; then the server closes.
//
// The form is the RFC's own, "Weekday, Month Day, Year Time-Zone", always in UTC and always in
// English: `Monday, February 22, 1982 17:37:43-UTC` CR LF. (The RFC takes that day for a Tuesday;
// it was none.)

#include <array>

#include "targets/protocols/handler.h"

namespace sockdrill::protocols {

/// The line, printable ASCII and CR LF; no locale and no time zone file has a say.
class DaytimeLine final {
 public:
  explicit DaytimeLine(std::int64_t unix_seconds);
  [[nodiscard]] std::string_view text() const { return {text_.data(), length_}; }

 private:
  std::array<char, 96> text_{};
  std::size_t length_ = 0;
};

class DaytimeStream final : public StreamHandler {
 public:
  explicit DaytimeStream(std::int64_t unix_seconds) : line_(unix_seconds) {}
  Progress advance(std::string_view input, bool input_ended, std::span<char> room) override;
  [[nodiscard]] bool is_finished() const override { return sent_ == line_.text().size(); }

 private:
  DaytimeLine line_;
  std::size_t sent_ = 0;
};

class DaytimeDatagram final : public DatagramHandler {
 public:
  std::optional<std::string_view> answer(std::string_view request, std::int64_t unix_seconds,
                                         std::span<char> scratch) override;
};

}  // namespace sockdrill::protocols
