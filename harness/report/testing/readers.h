#pragma once

// Asks other people's readers what they make of a report.

#include <string>
#include <vector>

namespace sockdrill::testing {

struct Said {
  int status = -1;
  std::string text;  ///< on standard output and standard error
};

/// Runs a command that reads `report` from its standard input ("-" is added for who wants a name).
Said ask(const std::vector<std::string>& command, const std::string& report);

}  // namespace sockdrill::testing
