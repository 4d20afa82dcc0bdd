#include "harness/cli/selection.h"

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

ExecTarget exec_target_of(const TargetArguments& arguments) {
  ExecTarget wanted{.command = arguments.exec,
                    .over = arguments.over,
                    .declares = arguments.declares,
                    .subcommand = arguments.subcommand};
  if (!arguments.speaks.empty()) wanted.speaks = arguments.speaks;
  if (arguments.port != 0) wanted.port = static_cast<std::uint16_t>(arguments.port);
  return wanted;
}

}  // namespace

Result<std::vector<Target>> select(const Installation& installation,
                                   const TargetArguments& arguments) {
  if (arguments.exec.empty()) {
    if (arguments.port != 0 || !arguments.declares.empty())
      return fail("goes with --exec", arguments.port != 0 ? "--port" : "--declares");
    return select_targets(installation, arguments.targets);
  }
  if (!arguments.targets.empty())
    return fail("--exec and --target both say which server: keep one", "--exec");
  return std::vector<Target>{TRY(exec_target(installation, exec_target_of(arguments)))};
}

std::string repeat(const TargetArguments& arguments) {
  if (arguments.exec.empty()) return "";
  std::string text = fmt::format("--exec {} --speaks {} --over {}", quote_for_shell(arguments.exec),
                                 quote_for_shell(exec_target_of(arguments).speaks), arguments.over);
  if (arguments.port != 0) text += fmt::format(" --port {}", arguments.port);
  if (!arguments.declares.empty()) text += " --declares " + quote_for_shell(arguments.declares);
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
