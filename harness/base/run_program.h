#pragma once

// A program of the machine's, run to its end.

#include <string>
#include <vector>

#include "harness/base/errno.h"

namespace sockdrill {

struct ProgramRan {
  Errno error;     ///< it could not be started
  int status = 0;  ///< as wait(2) gives it
  std::string out;
  std::string err;
  /// It has done what it was for: started, and ended with 0.
  [[nodiscard]] bool is_done() const { return error.value == 0 && status == 0; }
};

/// words[0] is looked up in PATH. There is nothing for it to read.
ProgramRan run_program(std::vector<std::string> words);

}  // namespace sockdrill
