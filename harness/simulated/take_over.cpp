#include "harness/simulated/take_over.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sockdrill {

namespace {

/// The process that starts the server, as long as it is none itself.
constexpr const char* kStarterVariable = "SOCKDRILL_STARTER";

bool is_starter() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return false;
  std::string_view name(path.data(), static_cast<std::size_t>(size));
  name.remove_prefix(name.rfind('/') + 1);
  static constexpr std::array<std::string_view, 9> kStarters{
      "sh", "dash", "bash", "busybox", "env", "nice", "setpriv", "setsid", "stdbuf"};
  return std::ranges::find(kStarters, name) != kStarters.end();
}

}  // namespace

bool is_to_be_simulated(const char* variable) {
  if (std::getenv(variable) == nullptr) return false;
  const std::string self = std::to_string(::getpid());
  const char* const starter = std::getenv(kStarterVariable);
  if (is_starter()) {
    if (starter == nullptr) ::setenv(kStarterVariable, self.c_str(), 1);
    return false;
  }
  return starter == nullptr || self == starter;
}

std::string take_request(const char* variable, sim::ServerProgram& program) {
  std::string file = std::getenv(variable);
  for (const char* ours : {variable, kStarterVariable, "LD_PRELOAD"}) ::unsetenv(ours);
  program.environment = environ;
  return file;
}

}  // namespace sockdrill
