#include "harness/play/target_launch.h"

#include <fmt/format.h>

namespace sockdrill {

std::string path_of(const Target& target, const std::string& temp) {
  if (!is_unix(target.transport)) return "";
  return target.path.empty() ? temp + "/server.sock" : fill_in(target.path, {{"tmp", temp}});
}

Placeholders placeholders_of(const Target& target, const ServerAddress& server,
                             const std::string& temp, Placeholders known) {
  known["port"] = fmt::format("{}", server.port);
  known["path"] = server.path;
  known["tmp"] = temp;
  known["speaks"] = target.speaks.name;
  known["family"] = to_string(target.family);
  known["host"] = target.family == Family::ipv6 ? "::1" : "127.0.0.1";
  return known;
}

std::vector<std::string> filled(const std::vector<std::string>& words,
                                const Placeholders& placeholders) {
  std::vector<std::string> out;
  for (const std::string& word : words) out.push_back(fill_in(word, placeholders));
  return out;
}

Launch launch_of(const Target& target, const Placeholders& placeholders) {
  const std::string& temp = placeholders.at("tmp");
  Launch launch{.command = filled(target.command, placeholders)};
  launch.working_directory =
      target.working_directory.empty() ? temp : fill_in(target.working_directory, placeholders);
  launch.environment["TMPDIR"] = temp;
  for (const auto& [name, value] : target.environment)
    launch.environment[name] = fill_in(value, placeholders);
  return launch;
}

}  // namespace sockdrill
