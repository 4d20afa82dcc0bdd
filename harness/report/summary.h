#pragma once

// What stands at the end of a run on the console: enough to act on. Internal to report/.

#include <map>
#include <string>
#include <vector>

#include "harness/report/paint.h"
#include "harness/report/report.h"

namespace sockdrill {

class Summary final {
 public:
  void add(const RunResult& result);
  [[nodiscard]] std::string write(const Totals& totals, int exit_code, const Paint& paint) const;

 private:
  struct Entry {
    std::string check;
    std::string target;
    std::string headline;
    std::string replay_command;
    std::size_t count = 1;  ///< of repeats
  };
  void write_group(std::string& out, Grade grade, const char* title, const Paint& paint) const;
  void write_skips(std::string& out, const Paint& paint) const;

  std::map<Grade, std::vector<Entry>> entries_;
  std::map<std::string, std::size_t> skips_;  ///< reason -> how many
};

}  // namespace sockdrill
