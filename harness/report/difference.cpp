// Two octet strings, row by row, with a caret at the first octet in which they differ.

#include <algorithm>

#include <fmt/format.h>

#include "harness/report/difference.h"
#include "harness/report/paint.h"
#include "harness/report/report.h"
#include "harness/report/visible.h"
#include "harness/scenario/content.h"

namespace sockdrill {

namespace {

constexpr std::size_t kRow = 16;
constexpr std::size_t kMostRows = 8;
constexpr std::size_t kHexWidth =
    3 * kRow;  // with the wider gap in the middle, without a last space

/// The octets of one row; a row of a sequence that has ended is shorter than 16.
struct Row {
  std::string_view octets;
  std::size_t skipped = 0;  ///< places before the window's first octet
};

Row row_at(const Bytes& octets, std::uint64_t window_from, std::uint64_t row_from) {
  const std::size_t skipped =
      row_from < window_from ? static_cast<std::size_t>(window_from - row_from) : 0;
  const std::uint64_t begin = row_from + skipped - window_from;
  if (begin >= octets.size()) return {.octets = {}, .skipped = skipped};
  return {
      .octets = std::string_view(octets).substr(static_cast<std::size_t>(begin), kRow - skipped),
      .skipped = skipped};
}

std::size_t hex_column(std::size_t place) { return 3 * place + (place >= kRow / 2 ? 1 : 0); }

std::string show_row(const Row& row) {
  std::string hex(kHexWidth, ' ');
  std::string text(kRow, ' ');
  for (std::size_t i = 0; i < row.octets.size(); ++i) {
    const std::size_t place = row.skipped + i;
    const auto octet = static_cast<unsigned char>(row.octets[i]);
    hex.replace(hex_column(place), 2, fmt::format("{:02x}", octet));
    text[place] = octet >= 0x20 && octet < 0x7f ? row.octets[i] : '.';
  }
  return fmt::format("{}  |{}|", hex, text);
}

std::string octets_of(std::uint64_t count) {
  return count_of(static_cast<std::size_t>(count), "octet");
}

/// "client b's pattern", or "pattern 3k9x" for a key that is nobody's name.
std::string pattern_of(const std::string& key, const std::vector<std::string>& clients) {
  const auto owner = std::find_if(clients.begin(), clients.end(), [&](const std::string& name) {
    return pattern_key(name) == key;
  });
  return owner != clients.end() ? fmt::format("client {}'s pattern", visible(*owner))
                                : fmt::format("pattern {}", key);
}

std::string number(std::uint64_t value) { return with_separators(static_cast<std::size_t>(value)); }

std::string say_what_came(const std::optional<PatternPlace>& wanted, const PatternPlace& came,
                          std::uint64_t at, const std::vector<std::string>& clients) {
  const std::string place = fmt::format("From octet {} on came octets {}.. of {}", number(at),
                                        number(came.offset), pattern_of(came.key, clients));
  if (!wanted) return place + ".";
  if (wanted->key != came.key)
    return fmt::format("{}, where {} had to go on: they are another connection's.", place,
                       pattern_of(wanted->key, clients));
  if (came.offset > wanted->offset)
    return fmt::format("{}: {} missing before them.", place,
                       octets_of(came.offset - wanted->offset) +
                           (came.offset - wanted->offset == 1 ? " is" : " are"));
  if (came.offset < wanted->offset)
    return fmt::format("{}: {} came twice.", place, octets_of(wanted->offset - came.offset));
  return place + ", as they should, but not all of them right.";
}

std::string tail(const Bytes& octets, const Difference& d) {
  const std::uint64_t skipped = d.at - std::min(d.at, d.window_from);
  return skipped >= octets.size() ? "" : octets.substr(static_cast<std::size_t>(skipped));
}

}  // namespace

std::string say_difference(const Difference& difference, const std::vector<std::string>& clients) {
  const Bytes expected = tail(difference.expected, difference);
  const Bytes actual = tail(difference.actual, difference);
  if (actual.empty() && expected.empty()) return "";
  if (actual.empty()) return fmt::format("Nothing came from octet {} on.", number(difference.at));
  if (expected.empty())
    return fmt::format("Nothing more had to come from octet {} on.", number(difference.at));
  if (const auto came = locate_pattern(actual))
    return say_what_came(locate_pattern(expected), *came, difference.at, clients);
  return fmt::format("Octet {} is 0x{:02x} instead of 0x{:02x}.", number(difference.at),
                     static_cast<unsigned char>(actual[0]),
                     static_cast<unsigned char>(expected[0]));
}

std::string draw_difference(const Difference& difference, bool color) {
  return draw_difference(difference, {}, color);
}

std::string draw_difference(const Difference& difference, const std::vector<std::string>& clients,
                            bool color) {
  const Paint paint(color);
  const std::size_t longest = std::max(difference.expected.size(), difference.actual.size());
  const std::uint64_t end = difference.window_from + longest;
  const std::uint64_t first_row = difference.window_from - difference.window_from % kRow;
  std::string out;
  std::size_t rows = 0;
  for (std::uint64_t from = first_row; from < std::max(end, difference.at + 1); from += kRow) {
    if (rows++ == kMostRows) break;
    const Row expected = row_at(difference.expected, difference.window_from, from);
    const Row actual = row_at(difference.actual, difference.window_from, from);
    const std::string offset = fmt::format("{:>11}", number(from));
    const bool has_caret = difference.at >= from && difference.at < from + kRow;
    if (expected.octets == actual.octets && !has_caret) {
      out += fmt::format("{}  same      {}\n", paint.dim(offset), show_row(expected));
      continue;
    }
    const auto show_or = [](const Row& row, const char* instead) {
      return row.octets.empty() ? std::string(instead) : show_row(row);
    };
    out +=
        fmt::format("{}  expected  {}\n", paint.dim(offset), show_or(expected, "(nothing more)"));
    out += fmt::format("{:11}  actual    {}\n", "", show_or(actual, "(nothing more)"));
    if (!has_caret) continue;
    const auto place = static_cast<std::size_t>(difference.at - from);
    std::string carets(kHexWidth + 3 + kRow, ' ');
    carets.replace(hex_column(place), 2, "^^");
    carets[kHexWidth + 3 + place] = '^';
    carets.erase(carets.find_last_not_of(' ') + 1);
    out += fmt::format("{:23}{}\n", "", paint.bad(carets));
  }
  const std::string words = say_difference(difference, clients);
  if (!words.empty()) add_wrapped(out, std::string(13, ' '), words, 92);
  return out;
}

}  // namespace sockdrill
