// Steps, from JSON to values.

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/scenario/actions.h"
#include "harness/scenario/bounds.h"
#include "harness/scenario/words.h"

namespace sockdrill {

namespace {

Result<void> check_name(const Node& node, const std::string& name) {
  if (!is_client_name(name))
    return tl::unexpected(node.expected("a client's name: letters, digits, '-' and '_'"));
  return {};
}

Result<CrowdStep> read_crowd(const Node& node) {
  TRY_VOID(node.allow_only({"clients", "named", "at_once", "each", "note"}));
  CrowdStep crowd;
  const Node clients = node.at("clients");
  if (clients.is_string()) {
    crowd.name = TRY(clients.as_string());
    if (node.has("named"))
      return tl::unexpected(node.at("named").error(
          "\"clients\" names a crowd that is there already: \"named\" is for a new one"));
  } else {
    crowd.count = static_cast<std::uint64_t>(TRY(clients.as_integer(1, kMostClients)));
    if (node.has("named")) crowd.name = TRY(node.at("named").as_string());
  }
  TRY_VOID(check_name(clients, crowd.name));
  if (node.has("at_once"))
    crowd.at_once = static_cast<std::uint64_t>(TRY(node.at("at_once").as_integer(1, kMostClients)));
  const Node each = TRY(node.required("each"));
  if (!each.is_array() || each.items().empty())
    return tl::unexpected(each.expected("an array of what each client does, at least one"));
  for (const Node& item : each.items()) {
    const std::string word = TRY(find_action(item, client_words(), {}));
    crowd.each.push_back(TRY(read_client_action(word, item.at(word))));
    crowd.pointers.push_back(item.pointer());
  }
  return crowd;
}

Result<RepeatStep> read_repeat(const Node& node) {
  TRY_VOID(node.allow_only({"repeat", "steps", "note"}));
  RepeatStep repeat{
      .times = static_cast<std::uint64_t>(TRY(node.at("repeat").as_integer(1, kMostRepeats)))};
  repeat.steps = TRY(read_steps(TRY(node.required("steps"))));
  return repeat;
}

Result<Step> read_step(const Node& node) {
  static const std::vector<std::string> actors = {"client", "server", "clients", "repeat"};
  if (!node.is_object())
    return tl::unexpected(node.expected("a step: an object with one of " + join_or(actors)));
  const auto actor =
      std::find_if(actors.begin(), actors.end(), [&](const std::string& a) { return node.has(a); });
  Step step{.pointer = node.pointer()};
  if (node.has("note")) step.note = TRY(node.at("note").as_string());
  if (actor == actors.end()) {
    const std::string first = node.json().empty() ? "" : node.members()[0].first;
    return tl::unexpected(
        node.error(fmt::format("this step has no actor: expected one of the keys {}{}",
                               join_or(actors), did_you_mean(first, actors))));
  }
  if (*actor == "clients") {
    step.what = TRY(read_crowd(node));
  } else if (*actor == "repeat") {
    step.what = TRY(read_repeat(node));
  } else if (*actor == "server") {
    TRY_VOID(node.allow_only({"server", "note"}));
    step.what = ServerStep{.action = TRY(read_server_action(node.at("server")))};
  } else {
    const std::string name = TRY(node.at("client").as_string());
    TRY_VOID(check_name(node.at("client"), name));
    const std::string word = TRY(find_action(node, client_words(), {"client", "note"}));
    step.what = ClientStep{.client = name, .action = TRY(read_client_action(word, node.at(word)))};
  }
  return step;
}

}  // namespace

Result<std::string> find_action(const Node& node, const std::vector<std::string>& words,
                                const std::vector<std::string>& others) {
  std::vector<std::string> allowed = others;
  allowed.insert(allowed.end(), words.begin(), words.end());
  TRY_VOID(node.allow_only(allowed));
  std::string action;
  for (const auto& [key, value] : node.members()) {
    if (std::find(words.begin(), words.end(), key) == words.end()) continue;
    if (!action.empty())
      return tl::unexpected(value.error(
          fmt::format("'{}' and '{}' in one step: a step does one thing", action, key)));
    action = key;
  }
  if (action.empty())
    return tl::unexpected(node.expected("a step that does one of " + join_or(words)));
  return action;
}

Result<std::string> read_errno(const Node& node) {
  const std::string name = TRY(node.as_string());
  if (errno_named(name).value == 0)
    return tl::unexpected(node.expected("the name of an errno, such as EMSGSIZE"));
  return name;
}

Result<std::vector<Step>> read_steps(const Node& node) {
  if (!node.is_array() || node.items().empty())
    return tl::unexpected(node.expected("an array of steps, at least one"));
  std::vector<Step> steps;
  for (const Node& item : node.items()) steps.push_back(TRY(read_step(item)));
  return steps;
}

bool has_server_action(const std::vector<Step>& steps,
                       const std::function<bool(const ServerAction&)>& is_wanted) {
  return std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
    if (const auto* repeat = std::get_if<RepeatStep>(&step.what))
      return has_server_action(repeat->steps, is_wanted);
    const auto* server = std::get_if<ServerStep>(&step.what);
    return server != nullptr && is_wanted(server->action);
  });
}

bool Scenario::needs_simulated_kernel() const {
  return !faults.empty() || schedule != Schedule{} ||
         has_server_action(steps, [](const ServerAction& action) {
           return std::holds_alternative<FromHere>(action);
         });
}

bool RepeatStep::operator==(const RepeatStep& other) const {
  return times == other.times && steps == other.steps;
}

}  // namespace sockdrill
