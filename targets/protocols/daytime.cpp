#include "targets/protocols/daytime.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace sockdrill::protocols {
namespace {

constexpr std::array kWeekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                               "Thursday", "Friday", "Saturday"};
constexpr std::array kMonths{"January", "February", "March",     "April",   "May",      "June",
                             "July",    "August",   "September", "October", "November", "December"};

}  // namespace

DaytimeLine::DaytimeLine(std::int64_t unix_seconds) {
  // The calendar of <chrono> is arithmetic; gmtime_r may read the time zone file.
  const std::chrono::sys_seconds now{std::chrono::seconds{unix_seconds}};
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss clock{now - midnight};
  const int length = std::snprintf(
      text_.data(), text_.size(), "%s, %s %u, %d %02d:%02d:%02d-UTC\r\n",
      kWeekdays[std::chrono::weekday{midnight}.c_encoding()],
      kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<unsigned>(date.day()),
      static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  length_ = static_cast<std::size_t>(length);
}

Progress DaytimeStream::advance(std::string_view input, bool, std::span<char> room) {
  const std::size_t produced = copy_some(line_.text().substr(sent_), room);
  sent_ += produced;
  return {.consumed = input.size(), .produced = produced};
}

std::optional<std::string_view> DaytimeDatagram::answer(std::string_view, std::int64_t unix_seconds,
                                                        std::span<char> scratch) {
  return std::string_view(scratch.data(), copy_some(DaytimeLine(unix_seconds).text(), scratch));
}

}  // namespace sockdrill::protocols
