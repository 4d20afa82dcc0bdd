#include "harness/cli/target_options.h"

#include <fmt/format.h>

#include "harness/base/try.h"

namespace sockdrill {

void TargetOptions::add_to(CLI::App& app) {
  app.add_option("-t,--target", targets,
                 "a target: NAME, NAME:PROTOCOL, a glob, or a manifest FILE; repeatable")
      ->type_name("NAME|FILE");
  app.add_option("-x,--exec", exec, "any server command; {port} {path} {tmp} {host} are filled in")
      ->type_name("'COMMAND'");
  app.add_option("-s,--speaks", speaks,
                 "what it speaks: echo, discard, chargen, daytime, time, line, length-prefixed, a "
                 "bundled target's dialogue, or a dialogue FILE")
      ->type_name("NAME|FILE")
      ->capture_default_str();
  app.add_option("--over", over, "tcp, udp, unix, unix-dgram or unix-seqpacket")
      ->capture_default_str();
  app.add_option("--port", port, "the server's port, where it is fixed in its code")
      ->check(CLI::Range(1, 65535));
  app.add_option("--declares", declares,
                 "what it declares, as in a manifest: '{\"concurrency\": \"iterative\"}'")
      ->type_name("JSON");
}

Result<std::vector<Target>> TargetOptions::select(const Installation& installation) const {
  if (exec.empty()) {
    if (port != 0 || !declares.empty())
      return fail("goes with --exec", port != 0 ? "--port" : "--declares");
    return select_targets(installation, targets);
  }
  if (!targets.empty())
    return fail("--exec and --target both say which server: keep one", "--exec");
  ExecTarget wanted{.command = exec, .speaks = speaks, .over = over, .declares = declares};
  if (port != 0) wanted.port = static_cast<std::uint16_t>(port);
  return std::vector<Target>{TRY(exec_target(installation, wanted))};
}

std::string TargetOptions::repeat() const {
  if (exec.empty()) return "";
  const auto quoted = [](const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
  };
  std::string text =
      fmt::format("--exec {} --speaks {} --over {}", quoted(exec), quoted(speaks), over);
  if (port != 0) text += fmt::format(" --port {}", port);
  if (!declares.empty()) text += " --declares " + quoted(declares);
  return text;
}

Result<Bindings> read_bindings(const std::vector<std::string>& pairs) {
  Bindings bindings;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(fmt::format("'{}': expected NAME=VALUE", pair), "--set");
    const std::string value = pair.substr(equals + 1);
    Json json = Json::parse(value, nullptr, false);
    bindings[pair.substr(0, equals)] = json.is_discarded() ? Json(value) : json;
  }
  return bindings;
}

}  // namespace sockdrill
