#include "harness/suite/installation.h"

#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/text.h"

namespace sockdrill {

namespace fs = std::filesystem;

Result<Installation> find_installation() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error)
    return fail(fmt::format("cannot find my own binary: {}", error.message()), "/proc/self/exe");
  const fs::path prefix = self.parent_path().parent_path();
  const Installation found{.scenarios = prefix / "share/sockdrill/scenarios",
                           .targets = prefix / "share/sockdrill/targets",
                           .libexec = prefix / "libexec/sockdrill"};
  for (const std::string& folder : {found.scenarios, found.targets, found.libexec}) {
    if (!fs::is_directory(folder, error))
      return fail("my own files are not where they belong: this folder is missing; install again",
                  folder);
  }
  return found;
}

Placeholders places_of(const Installation& installation, const Target& target) {
  Placeholders places{{"libexec", installation.libexec}};
  if (!target.file.empty()) places["targets"] = folder_of(target);
  return places;
}

bool is_bundled(const std::string& file) {
  return file.find("/share/sockdrill/") != std::string::npos;
}

std::vector<std::string> files_below(const std::string& folder, const std::string& ending) {
  std::vector<std::string> files;
  std::error_code error;
  // The folders of a build tree are links to the source tree.
  const auto options = fs::directory_options::follow_directory_symlink |
                       fs::directory_options::skip_permission_denied;
  for (auto entry = fs::recursive_directory_iterator(folder, options, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->is_regular_file(error) && entry->path().string().ends_with(ending))
      files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string why_no_program(const Installation& installation, const Target& target) {
  const std::string name =
      filled({target.command.front()}, places_of(installation, target)).front();
  if (name.find('{') != std::string::npos) return "";
  if (name.find('/') == std::string::npos) {
    const bool has_own_path = target.environment.contains("PATH");
    return has_own_path || !find_program(name).empty() ? "" : name + ": not found in PATH";
  }
  if (!name.starts_with('/') && target.working_directory.empty()) return "";
  const fs::path program = fs::path(target.working_directory) / name;
  if (::access(program.c_str(), X_OK) == 0) return "";
  return fmt::format("{}: {}", name, describe(last_errno()));
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), F_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    std::string candidate = folder + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace sockdrill
