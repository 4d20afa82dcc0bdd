#include "harness/fuzzer/reply_class.h"

namespace sockdrill {

namespace {

constexpr std::size_t kLongestClass = 12;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string class_of_reply(std::string_view octets) {
  std::string word;
  // A code of three digits is what the reply is ("550"); other numbers count something.
  const bool is_code = octets.size() > 3 && is_digit(octets[0]) && is_digit(octets[1]) &&
                       is_digit(octets[2]) && !is_digit(octets[3]);
  for (const char c : octets) {
    if (c == ' ' || c == '\r' || c == '\n' || word.size() == kLongestClass) break;
    if (!is_digit(c) || is_code)
      word += c;
    else if (word.empty() || word.back() != '0')
      word += '0';
  }
  return word;
}

}  // namespace sockdrill
