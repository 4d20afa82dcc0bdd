#pragma once

// How often each line of the server's was executed, where it was built to count that (clang's
// -fprofile-instr-generate -fcoverage-mapping). The counters are those of the whole process, from
// its start; what writes them is the program's own, and so is the form in which it does.

#include <string>
#include <vector>

#include "harness/base/result.h"

namespace sockdrill {

class LineCounters final {
 public:
  /// Of the program, and of libraries that it brought along. The error: nothing counts there, and
  /// what is to be built how.
  static Result<LineCounters> find();

  /// Writes all counts into files: `prefix`0.profraw and so on, made anew, one for each program or
  /// library; their own files' names stand in `prefix`objects, a line each. Not on a task of the
  /// server's.
  [[nodiscard]] Result<void> write(const std::string& prefix) const;

 private:
  struct Object {
    std::string file;
    void (*set_file_name)(const char* pattern);
    int (*write_file)();
  };
  std::vector<Object> objects_;
};

}  // namespace sockdrill
