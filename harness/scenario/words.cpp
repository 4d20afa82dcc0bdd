#include "harness/scenario/words.h"

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

std::string to_string(Level level) { return name_in(level_words(), level); }
std::string to_string(Then then) { return name_in(then_words(), then); }

}  // namespace sockdrill
