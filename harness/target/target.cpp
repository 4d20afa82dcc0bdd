#include "harness/target/target.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

const std::vector<std::string> kPlaceholders = {"port",   "path", "tmp",     "speaks",
                                                "family", "host", "libexec", "targets"};

Result<Declares> read_declares(const Node& node) {
  TRY_VOID(
      node.allow_only({"concurrency", "polls", "stops_on", "exit", "max_message", "max_connections",
                       "max_memory_growth", "idle_timeout_ms", "broadcasts", "reports_port"}));
  Declares declares;
  const auto number = [&](const char* key) -> Result<std::optional<std::uint64_t>> {
    if (!node.has(key)) return std::optional<std::uint64_t>{};
    return std::optional<std::uint64_t>{
        static_cast<std::uint64_t>(TRY(node.at(key).as_integer(0, std::int64_t{1} << 50)))};
  };
  if (node.has("concurrency"))
    declares.concurrent =
        TRY(node.at("concurrency").as_word({"concurrent", "iterative"})) == "concurrent";
  if (node.has("polls")) declares.polls = TRY(node.at("polls").as_bool());
  if (node.has("broadcasts")) declares.broadcasts = TRY(node.at("broadcasts").as_bool());
  if (node.has("reports_port")) declares.reports_port = TRY(node.at("reports_port").as_bool());
  if (node.has("stops_on"))
    declares.stops_on =
        TRY(node.at("stops_on").as_word({"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL"}));
  if (node.has("exit")) {
    if (!node.at("exit").is_array())
      return tl::unexpected(node.at("exit").expected("an array of exit statuses"));
    for (const Node& item : node.at("exit").items())
      declares.exit.push_back(static_cast<int>(TRY(item.as_integer(0, 255))));
  }
  declares.max_message = TRY(number("max_message"));
  declares.max_connections = TRY(number("max_connections"));
  declares.max_memory_growth = TRY(number("max_memory_growth"));
  declares.idle_timeout_ms = TRY(number("idle_timeout_ms"));
  return declares;
}

Result<void> check_placeholders(const Node& word) {
  const std::string slip = misspelt_placeholder_in(TRY(word.as_string()));
  return slip.empty() ? Result<void>{} : tl::unexpected(word.error(slip));
}

Result<void> read_listens(const Node& node, Target& target) {
  TRY_VOID(node.allow_only({"transport", "port", "path", "family"}));
  Result<Transport> transport = parse_transport(TRY(TRY(node.required("transport")).as_string()));
  if (!transport) return tl::unexpected(node.at("transport").error(transport.error().message));
  target.transport = *transport;
  if (node.has("port"))
    target.port = static_cast<std::uint16_t>(TRY(node.at("port").as_integer(1, 65535)));
  if (node.has("path")) target.path = TRY(node.at("path").as_string());
  if (node.has("family"))
    target.family =
        TRY(node.at("family").as_word({"ipv4", "ipv6"})) == "ipv6" ? Family::ipv6 : Family::ipv4;
  if (node.has("port") && is_unix(target.transport))
    return tl::unexpected(node.at("port").error("a unix socket has a \"path\", no port"));
  if (node.has("path") && !is_unix(target.transport))
    return tl::unexpected(node.at("path").error(
        fmt::format("{} has a \"port\", no path", to_string(target.transport))));
  return {};
}

/// An array of objects that have these two texts and nothing else.
template <typename Pair>
Result<std::vector<Pair>> read_pairs(const Node& node, const char* first, const char* second) {
  if (!node.is_array())
    return tl::unexpected(
        node.expected(fmt::format("an array of {{\"{}\", \"{}\"}}", first, second)));
  std::vector<Pair> pairs;
  for (const Node& item : node.items()) {
    TRY_VOID(item.allow_only({first, second}));
    const Node one = TRY(item.required(first));
    const Node other = TRY(item.required(second));
    pairs.push_back(Pair{TRY(one.as_string()), TRY(other.as_string())});
  }
  return pairs;
}

/// What a manifest says of the checks that fail: stands in the base or in a variant, which wins.
const std::vector<std::string> kFailures = {"known", "caught_by", "also", "diagnosis",
                                            "no_diagnosis_because"};

/// Which diagnosis a mutant's findings must end in is held against them by ci/prove, which reads it
/// itself: here it is only seen to be well formed.
Result<void> check_diagnosis(const Node& node, const Target& target) {
  const bool variants_may = node.has("variants");  // be caught, each by a check of its own
  if (node.has("diagnosis") && !target.is_mutant() && !variants_may)
    return tl::unexpected(node.at("diagnosis")
                              .error("\"diagnosis\" goes with \"caught_by\": it is for servers "
                                     "that are broken on purpose"));
  const bool is_none = node.has("diagnosis") &&
                       TRY(node.at("diagnosis").as_strings()) == std::vector<std::string>{"none"};
  if (is_none != node.has("no_diagnosis_because"))
    return tl::unexpected(node.error(
        "\"no_diagnosis_because\" goes with \"diagnosis\": \"none\", and says why there is none"));
  if (is_none) TRY_VOID(node.at("no_diagnosis_because").as_string());
  return {};
}

Result<void> read_failures(const Node& node, Target& target) {
  if (node.has("known"))
    target.known = TRY(read_pairs<Known>(node.at("known"), "check", "because"));
  if (node.has("caught_by"))
    target.caught_by = TRY(read_pairs<CaughtBy>(node.at("caught_by"), "check", "rule"));
  if (node.has("also")) target.also = TRY(read_pairs<Known>(node.at("also"), "check", "because"));
  if (!target.also.empty() && !target.is_mutant())
    return tl::unexpected(node.at("also").error(
        "\"also\" goes with \"caught_by\": it is for servers that are broken on purpose"));
  return check_diagnosis(node, target);
}

std::vector<std::string> with_failures(std::vector<std::string> keys) {
  keys.insert(keys.end(), kFailures.begin(), kFailures.end());
  return keys;
}

Result<void> read_command(const Node& node, Target& target) {
  if (!node.is_array() || node.items().empty())
    return tl::unexpected(node.expected("an array of words: the program and its arguments"));
  target.command.clear();
  for (const Node& word : node.items()) {
    TRY_VOID(check_placeholders(word));
    target.command.push_back(TRY(word.as_string()));
  }
  return {};
}

Result<Target> read_base(const Node& root) {
  TRY_VOID(root.allow_only(
      with_failures({"$schema", "name", "summary", "command", "working_directory", "environment",
                     "listens", "speaks", "declares", "needs", "variants"})));
  Target target;
  target.name = TRY(TRY(root.required("name")).as_string());
  target.model = target.name;
  target.file = root.document().file;
  if (root.has("summary")) target.summary = TRY(root.at("summary").as_string());
  TRY_VOID(read_command(TRY(root.required("command")), target));
  if (root.has("working_directory"))
    target.working_directory = TRY(root.at("working_directory").as_string());
  if (root.has("environment")) {
    if (!root.at("environment").is_object())
      return tl::unexpected(root.at("environment").expected("an object of strings"));
    for (const auto& [key, value] : root.at("environment").members())
      target.environment[key] = TRY(value.as_string());
  }
  TRY_VOID(read_listens(TRY(root.required("listens")), target));
  if (root.has("declares")) target.declares = TRY(read_declares(root.at("declares")));
  TRY_VOID(read_failures(root, target));
  if (root.has("needs")) {
    target.needs = TRY(root.at("needs").as_strings());
    for (const Node& word : root.at("needs").items()) TRY_VOID(check_placeholders(word));
  }
  return target;
}

Result<Target> read_variant(const Target& base, const Node& node) {
  TRY_VOID(node.allow_only(with_failures({"speaks", "listens", "family", "declares", "command"})));
  Target target = base;
  if (node.has("listens")) {
    target.port = 0;
    target.path.clear();
    TRY_VOID(read_listens(node.at("listens"), target));
  }
  if (node.has("family"))
    target.family =
        TRY(node.at("family").as_word({"ipv4", "ipv6"})) == "ipv6" ? Family::ipv6 : Family::ipv4;
  target.speaks = TRY(read_dialogue(TRY(node.required("speaks")), target.transport));
  if (node.has("command")) TRY_VOID(read_command(node.at("command"), target));
  TRY_VOID(read_failures(node, target));
  if (node.has("declares")) target.declares = TRY(read_declares(node.at("declares")));
  target.name = fmt::format("{}:{}{}", base.name, target.speaks.name,
                            target.family == Family::ipv6 ? ":ipv6" : "");
  return target;
}

}  // namespace

std::string to_string(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

std::vector<std::string> placeholder_names() { return kPlaceholders; }

std::string misspelt_placeholder_in(const std::string& text) {
  for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = text.substr(at + 1, end - at - 1);
    const bool is_word = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_';
    });
    if (is_word &&
        std::find(kPlaceholders.begin(), kPlaceholders.end(), name) == kPlaceholders.end() &&
        !nearest(name, kPlaceholders).empty())
      return fmt::format("unknown placeholder {{{}}}; did you mean {{{}}}? There are {{{}}}", name,
                         nearest(name, kPlaceholders), fmt::join(kPlaceholders, "} {"));
  }
  return {};
}

const Known* Target::known_for(const std::string& check) const {
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const Known& k) { return matches_glob(k.check, check); });
  return found == known.end() ? nullptr : &*found;
}

Result<std::vector<Target>> read_targets(const Document& document) {
  const Node root(document);
  const Target base = TRY(read_base(root));
  std::vector<Target> targets;
  if (!root.has("variants")) {
    targets.push_back(base);
    targets[0].speaks = TRY(read_dialogue(TRY(root.required("speaks")), base.transport));
    return targets;
  }
  if (root.has("speaks"))
    return tl::unexpected(
        root.at("speaks").error("\"speaks\" stands beside \"variants\": write it in each variant"));
  const Node variants = root.at("variants");
  if (!variants.is_array() || variants.items().empty())
    return tl::unexpected(variants.expected("an array of variants, at least one"));
  for (const Node& item : variants.items()) targets.push_back(TRY(read_variant(base, item)));
  return targets;
}

Json write_target(const Target& target) {
  Json listens{{"transport", to_string(target.transport)}};
  if (target.port != 0) listens["port"] = target.port;
  if (!target.path.empty()) listens["path"] = target.path;
  if (!is_unix(target.transport)) listens["family"] = to_string(target.family);
  const Declares& d = target.declares;
  Json declares = Json::object();
  if (d.concurrent) declares["concurrency"] = *d.concurrent ? "concurrent" : "iterative";
  if (d.polls) declares["polls"] = true;
  declares["stops_on"] = d.stops_on;
  if (!d.exit.empty()) declares["exit"] = d.exit;
  if (d.max_message) declares["max_message"] = *d.max_message;
  if (d.max_connections) declares["max_connections"] = *d.max_connections;
  if (d.max_memory_growth) declares["max_memory_growth"] = *d.max_memory_growth;
  if (d.idle_timeout_ms) declares["idle_timeout_ms"] = *d.idle_timeout_ms;
  if (d.broadcasts) declares["broadcasts"] = true;
  if (d.reports_port) declares["reports_port"] = true;
  Json json{{"name", target.name}};
  if (!target.summary.empty()) json["summary"] = target.summary;
  json["command"] = target.command;
  if (!target.working_directory.empty()) json["working_directory"] = target.working_directory;
  if (!target.environment.empty()) json["environment"] = target.environment;
  json["listens"] = std::move(listens);
  json["speaks"] = write_dialogue(target.speaks);
  json["declares"] = std::move(declares);
  for (const Known& known : target.known)
    json["known"].push_back({{"check", known.check}, {"because", known.because}});
  for (const CaughtBy& catching : target.caught_by)
    json["caught_by"].push_back({{"check", catching.check}, {"rule", catching.rule}});
  for (const Known& known : target.also)
    json["also"].push_back({{"check", known.check}, {"because", known.because}});
  if (!target.needs.empty()) json["needs"] = target.needs;
  return json;
}

std::string folder_of(const Target& target) {
  if (target.file.empty()) return {};
  return std::filesystem::absolute(target.file).parent_path();
}

Target with_its_folder(Target target) {
  if (target.file.empty()) return target;
  const std::map<std::string, std::string> places{{"targets", folder_of(target)}};
  for (std::string& word : target.command) word = fill_in(word, places);
  for (std::string& need : target.needs) need = fill_in(need, places);
  for (auto& [name, value] : target.environment) value = fill_in(value, places);
  return target;
}

std::string fill_in(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string filled;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '{' ? text.find('}', at) : std::string::npos;
    const auto value =
        end == std::string::npos ? values.end() : values.find(text.substr(at + 1, end - at - 1));
    if (value == values.end()) {
      filled += text[at++];
    } else {
      filled += value->second;
      at = end + 1;
    }
  }
  return filled;
}

}  // namespace sockdrill
