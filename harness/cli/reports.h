#pragma once

// Which reports a run writes, and whither.

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/cli/arguments.h"
#include "harness/report/report.h"

namespace sockdrill {

struct ReportFile {
  std::string path;
  std::shared_ptr<std::ofstream> stream;  ///< the reporters write to it, too
};

struct Reports {
  std::vector<std::unique_ptr<Reporter>> reporters;
  std::vector<ReportFile> files;
};

/// What standard output is for, when no report wants it.
enum class StandardOutput { console, not_ours };

/// Those asked for (`FORMAT` or `FORMAT=FILE`), and the console's when nothing else takes standard
/// output. The annotations for GitHub are lines between the console's. The error is about
/// `--report` or a file.
Result<Reports> open_reports(const std::vector<std::string>& words, StandardOutput standard_output,
                             bool verbose);

/// When the run is over: the first file that did not take all of its report, on a full disk.
Result<void> finish(const Reports& reports);

}  // namespace sockdrill
