#include <algorithm>

#include <fmt/format.h>

#include "harness/plan/plan.h"

namespace sockdrill {

namespace {

bool speaks_word(const std::string& word, const Dialogue& dialogue) {
  if (word == "any" || word == dialogue.name) return true;
  if (word == "dialogue") return dialogue.style == Style::request_reply && dialogue.is_persistent();
  if (word == "persistent") return dialogue.is_persistent();
  if (word == "echo") return dialogue.style == Style::echo;
  if (word == "discard") return dialogue.style == Style::sink;
  return false;
}

bool has_declared(const std::string& word, const Declares& declares) {
  if (word == "max_message") return declares.max_message.has_value();
  if (word == "max_connections") return declares.max_connections.has_value();
  if (word == "max_memory_growth") return declares.max_memory_growth.has_value();
  if (word == "idle_timeout_ms") return declares.idle_timeout_ms.has_value();
  if (word == "reports_port") return declares.reports_port;
  return false;
}

bool uses_placeholder(const std::string& placeholder, const Target& target) {
  const auto holds = [&](const std::string& word) {
    return word.find(placeholder) != std::string::npos;
  };
  return std::ranges::any_of(target.command, holds) ||
         std::ranges::any_of(target.environment, holds,
                             [](const auto& entry) { return entry.second; });
}

bool changes_port(const ServerAction& action) {
  const auto* second = std::get_if<Second>(&action);
  return second != nullptr && second->port != Second::Port::usual;
}

bool changes_path(const ServerAction& action) {
  const auto* second = std::get_if<Second>(&action);
  const auto* restart = std::get_if<Restart>(&action);
  return (second != nullptr && second->path_bytes) || (restart != nullptr && restart->path_bytes);
}

/// A server that is told another address than its usual one must be one that can be told.
std::optional<std::string> why_not_elsewhere(const Scenario& scenario, const Target& target) {
  if (has_server_action(scenario.steps, changes_path)) {
    if (!is_unix(target.transport))
      return fmt::format("it is about paths, the server listens on {}",
                         to_string(target.transport));
    if (!target.path.empty() || !uses_placeholder("{path}", target))
      return "the server's path is fixed, and the check needs others";
  }
  if (has_server_action(scenario.steps, changes_port)) {
    if (is_unix(target.transport))
      return fmt::format("it is about ports, the server listens on {}",
                         to_string(target.transport));
    if (target.port != 0 || !uses_placeholder("{port}", target))
      return "the server's port is fixed, and the check needs others";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> why_not(const Scenario& scenario, const Target& target) {
  const Applies& applies = scenario.applies;
  if (!applies.transport.empty() && std::find(applies.transport.begin(), applies.transport.end(),
                                              target.transport) == applies.transport.end()) {
    std::vector<std::string> words;
    for (const Transport transport : applies.transport) words.push_back(to_string(transport));
    return fmt::format("it is for {}, the server listens on {}", join_or(words),
                       to_string(target.transport));
  }
  if (!applies.speaks.empty() &&
      std::none_of(applies.speaks.begin(), applies.speaks.end(),
                   [&](const std::string& w) { return speaks_word(w, target.speaks); })) {
    const bool asks_to_stay = std::ranges::any_of(applies.speaks, [](const std::string& word) {
      return word == "dialogue" || word == "persistent";
    });
    if (asks_to_stay && target.speaks.style == Style::request_reply &&
        !target.speaks.is_persistent())
      return fmt::format(
          "it needs a connection that stays, and the first exchange of {} ends it (\"then\")",
          target.speaks.name);
    return fmt::format("it is for servers that speak {}, this one speaks {}",
                       join_or(applies.speaks), target.speaks.name);
  }
  // A server that says nothing about itself is taken for a concurrent one; what it then fails is
  // told as INFO (judge).
  if (applies.concurrent == true && target.declares.concurrent == false)
    return "it is for servers that serve several clients at a time, this one declares that it is "
           "iterative";
  if (applies.concurrent == false && target.declares.concurrent != false)
    return "it is for iterative servers";
  if (applies.broadcasts && !target.declares.broadcasts)
    return "it is for servers that declare that they answer broadcasts";
  if (applies.is_ipv6 && target.family != Family::ipv6)
    return "it is for servers that listen on IPv6";
  if (applies.broadcast_link && target.family == Family::ipv6)
    return "IPv6 has no broadcast (RFC 4291 2)";
  for (const std::string& word : applies.declares) {
    if (!has_declared(word, target.declares))
      return fmt::format("the server does not declare \"{}\"", word);
  }
  return why_not_elsewhere(scenario, target);
}

}  // namespace sockdrill
