#pragma once

// Where our own files are: the same shape in the build tree and in an installation.
//   PREFIX/bin/sockdrill   PREFIX/share/sockdrill/{scenarios,targets}
//   PREFIX/libexec/sockdrill/{sockdrill-agent,models,mutants}

#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/play/target_launch.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

struct Installation {
  std::string scenarios;  ///< folder
  std::string targets;    ///< folder
  std::string libexec;    ///< folder
};

/// From the place of our own binary. The error says which folder is missing.
Result<Installation> find_installation();

/// What {libexec} and {targets} stand for.
Placeholders places_of(const Installation& installation, const Target& target);

/// Whether a file is one of ours, as their names are in every installation.
bool is_bundled(const std::string& file);

/// All files of an ending below a folder, in order.
std::vector<std::string> files_below(const std::string& folder, const std::string& ending);

/// Why the program of a target is not there to be started; "": it is, as far as one sees before its
/// folder is made.
std::string why_no_program(const Installation& installation, const Target& target);

/// Where a program is, found in PATH; with a slash it is that file. "" when it is not there.
std::string find_program(const std::string& name);

}  // namespace sockdrill
