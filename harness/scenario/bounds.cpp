#include "harness/scenario/bounds.h"

#include <algorithm>
#include <cctype>

namespace sockdrill {

bool is_client_name(const std::string& name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
}

const std::vector<std::string>& signal_names() {
  static const std::vector<std::string> names{"SIGHUP",  "SIGINT",   "SIGQUIT", "SIGUSR1",
                                              "SIGUSR2", "SIGPIPE",  "SIGALRM", "SIGTERM",
                                              "SIGCHLD", "SIGWINCH", "SIGKILL"};
  return names;
}

std::uint64_t largest_integer(const std::string& form) {
  return form == "u8" ? 0xff : form.starts_with("u16") ? 0xffff : 0xffffffff;
}

}  // namespace sockdrill
