#include "harness/scenario/words.h"

#include <algorithm>

namespace sockdrill {

const Words<Level>& level_words() {
  static const Words<Level> words{
      {Level::must, "must"}, {Level::should, "should"}, {Level::policy, "policy"}};
  return words;
}
const Words<Then>& then_words() {
  static const Words<Then> words{
      {Then::open, "open"}, {Then::fin, "fin"}, {Then::reset, "reset"}, {Then::ended, "ended"}};
  return words;
}
const Words<ConnectOutcome>& connect_words() {
  static const Words<ConnectOutcome> words{{ConnectOutcome::connected, "connected"},
                                           {ConnectOutcome::refused, "refused"},
                                           {ConnectOutcome::reset, "reset"},
                                           {ConnectOutcome::timeout, "timeout"}};
  return words;
}
const Words<Shutdown::How>& shutdown_words() {
  static const Words<Shutdown::How> words{{Shutdown::How::write, "write"},
                                          {Shutdown::How::read, "read"},
                                          {Shutdown::How::both, "both"}};
  return words;
}

std::optional<std::string> parameter_in(const std::string& text) {
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  if (text.size() < 2 || text.size() > kLongestParameter + 1 || text[0] != '$' ||
      !is_small(text[1]))
    return std::nullopt;
  const bool is_name = std::all_of(text.begin() + 1, text.end(), [&](char c) {
    return is_small(c) || (c >= '0' && c <= '9') || c == '_';
  });
  return is_name ? std::optional(text.substr(1)) : std::nullopt;
}

std::string to_string(Level level) { return name_in(level_words(), level); }
std::string to_string(Then then) { return name_in(then_words(), then); }

}  // namespace sockdrill
