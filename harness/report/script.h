#pragma once

// The lines of a scenario file that a finding is about. Internal to report/.

#include <string>

#include "harness/report/paint.h"

namespace sockdrill {

struct ScriptExcerpt {
  std::string place;       ///< `file:line:column`
  std::size_t line = 0;    ///< counted from 1; 0: not to be found
  std::size_t column = 0;  ///< the same, in octets
  std::string lines;       ///< numbered, with a caret; each ends in a newline
};

/// The value of `pointer` where it stands; only the file's name when it is not to be found.
ScriptExcerpt show_script(const std::string& file, const std::string& text,
                          const std::string& pointer, const Paint& paint);

}  // namespace sockdrill
