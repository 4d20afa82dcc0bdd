#pragma once

// Colours, for those who have them. Every coloured word also says in letters what it means, so that
// nothing is lost without. Internal to report/.

#include <string>
#include <string_view>

#include "harness/judge/verdict.h"

namespace sockdrill {

class Paint final {
 public:
  explicit Paint(bool is_on) : is_on_(is_on) {}
  [[nodiscard]] std::string bold(std::string_view text) const { return in("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return in("2", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return in("1;31", text); }
  [[nodiscard]] std::string good(std::string_view text) const { return in("32", text); }
  [[nodiscard]] std::string doubtful(std::string_view text) const { return in("33", text); }
  /// In the colour of a grade.
  [[nodiscard]] std::string graded(Grade grade, std::string_view text) const {
    if (grade == Grade::fail || grade == Grade::error) return bad(text);
    if (grade == Grade::warn || grade == Grade::unknown) return doubtful(text);
    return grade == Grade::pass ? good(text) : std::string(text);
  }

 private:
  [[nodiscard]] std::string in(const char* code, std::string_view text) const {
    if (!is_on_) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }
  bool is_on_;
};

}  // namespace sockdrill
