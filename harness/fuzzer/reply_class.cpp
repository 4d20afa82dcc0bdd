#include "harness/fuzzer/reply_class.h"

namespace sockdrill {

namespace {

constexpr std::size_t kLongestClass = 12;
constexpr std::size_t kMostReplies = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A code of three digits is what the reply is ("550"); other numbers count something.
bool has_code(std::string_view octets) {
  return octets.size() > 3 && is_digit(octets[0]) && is_digit(octets[1]) && is_digit(octets[2]) &&
         !is_digit(octets[3]);
}

bool begins_as_a_reply(std::string_view line) {
  constexpr std::string_view kResp = "+-:$*";
  return has_code(line) || (!line.empty() && kResp.find(line.front()) != std::string_view::npos);
}

}  // namespace

std::string class_of_reply(std::string_view octets) {
  std::string word;
  const bool is_code = has_code(octets);
  for (const char c : octets) {
    if (c == ' ' || c == '\r' || c == '\n' || word.size() == kLongestClass) break;
    if (!is_digit(c) || is_code)
      word += c;
    else if (word.empty() || word.back() != '0')
      word += '0';
  }
  return word;
}

std::vector<std::string> classes_of_replies(std::string_view octets) {
  std::vector<std::string> classes{class_of_reply(octets)};
  for (std::size_t end = octets.find('\n');
       end != std::string_view::npos && classes.size() < kMostReplies; end = octets.find('\n')) {
    octets.remove_prefix(end + 1);
    if (begins_as_a_reply(octets)) classes.push_back(class_of_reply(octets));
  }
  return classes;
}

}  // namespace sockdrill
