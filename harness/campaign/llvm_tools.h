#pragma once

// LLVM's programs that make of a server's counts what a person can read. Internal to campaign/.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace sockdrill {

/// Those of one version.
struct LlvmTools {
  std::string profdata;
  std::string cov;
  std::string cxxfilt;  ///< "": it is not there, and names in C++ stay as linkers see them
  bool operator==(const LlvmTools&) const = default;
};

/// Those that folders hold ("llvm-cov", "llvm-cov-14" ...), the latest first, one without a number
/// before all of them; `path` as the environment's variable has it.
std::vector<LlvmTools> find_llvm_tools(const std::string& path);

struct LinesCovered {
  std::uint64_t lines = 0;  ///< that are code
  std::uint64_t executed = 0;
};

/// Makes one file, `profile`, of those that a server's runtime has written, for all other tools.
/// The error: what this version says to them; it reads none but those of a compiler of its own.
Result<void> merge_counts(const LlvmTools& tools, const std::vector<std::string>& raw,
                          const std::string& profile);

/// Writes index.html and a page for each source file into `folder`, which is there. `objects`: the
/// programs and libraries whose counts `profile` has. The error: a source cannot be read, say.
Result<LinesCovered> write_html(const LlvmTools& tools, const std::string& profile,
                                const std::vector<std::string>& objects, const std::string& folder);

}  // namespace sockdrill
