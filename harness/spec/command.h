#pragma once

// Runs the built command as a user does, for the behaviour tests.

#include <string>
#include <vector>

namespace sockdrill::spec {

struct Ran {
  int exit_code = -1;  ///< 128 + n when it was killed by signal n
  std::string out;
  std::string err;
};

/// Runs `sockdrill WORDS...` to its end; kills it after two minutes, which no test comes near.
Ran sockdrill(const std::vector<std::string>& words);

/// `--exec` words for the faulty server of this folder.
std::vector<std::string> with_faulty_server(std::vector<std::string> words,
                                            const std::string& fault);

/// A file in a folder of this test run's own, which is removed at the end.
std::string write_file(const std::string& name, const std::string& text);

/// The command's path.
std::string command_path();

/// Processes, other than this one and its parents, whose environment holds this run's marker.
std::vector<int> marked_processes();

}  // namespace sockdrill::spec
