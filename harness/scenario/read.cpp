// Scenario files: parameters, cases, and the head of a scenario.

#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/scenario/words.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostCases = 1000;
constexpr std::size_t kLongestId = 100;

/// Puts the values in, and notes which were used.
Result<void> put_values_in(Json& json, const Document& document, const std::string& pointer,
                           const Bindings& bindings, std::set<std::string>& used) {
  if (json.is_object()) {
    for (auto& [key, value] : json.items())
      TRY_VOID(put_values_in(value, document, pointer + "/" + key, bindings, used));
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i)
      TRY_VOID(put_values_in(json[i], document, fmt::format("{}/{}", pointer, i), bindings, used));
  } else if (!json.is_string()) {
    return {};
  } else if (const auto name = parameter_in(json.get_ref<const std::string&>())) {
    const auto value = bindings.find(*name);
    std::vector<std::string> names;
    for (const auto& [known, unused] : bindings) names.push_back(known);
    if (value == bindings.end())
      return tl::unexpected(document.error_at(
          pointer, fmt::format("unknown parameter '${}'{}; for the text itself write \"$${}\"",
                               *name, did_you_mean(*name, names), *name)));
    used.insert(*name);
    json = value->second;
  } else if (json.get_ref<const std::string&>().starts_with("$$")) {
    json = json.get<std::string>().substr(1);
  }
  return {};
}

Result<std::vector<Bindings>> read_cases(const Node& root) {
  std::vector<Bindings> cases{Bindings{}};
  if (!root.has("parameters")) return cases;
  const Node parameters = root.at("parameters");
  if (!parameters.is_object())
    return tl::unexpected(parameters.expected("an object: parameter name -> array of values"));
  for (const auto& [name, values] : parameters.members()) {
    const std::string as_used = "$" + name;
    if (parameter_in(as_used) != name)
      return tl::unexpected(values.error(
          fmt::format("'{}' is no parameter's name: small letters, digits and '_', at most {}",
                      name, kLongestParameter)));
    if (!values.is_array() || values.items().empty())
      return tl::unexpected(values.expected("an array of values, at least one"));
    std::vector<Bindings> combined;
    for (const Bindings& before : cases) {
      for (const Json& value : values.json()) {
        combined.push_back(before);
        combined.back()[name] = value;
      }
    }
    if (combined.size() > kMostCases)
      return tl::unexpected(values.error(
          fmt::format("too many cases: {} where {} are the limit", combined.size(), kMostCases)));
    cases = std::move(combined);
  }
  return cases;
}

Result<std::string> read_id(const Node& node) {
  const std::string id = TRY(node.as_string());
  const std::size_t slash = id.find('/');
  const bool has_two_parts = slash != std::string::npos && slash > 0 && slash + 1 < id.size() &&
                             id.find('/', slash + 1) == std::string::npos;
  const bool is_plain = std::all_of(id.begin(), id.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 ||
           std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '/';
  });
  if (!has_two_parts || !is_plain || id.size() > kLongestId)
    return tl::unexpected(node.expected(
        "an id of the form theme/name, in small letters, digits and '-', at most 100"));
  return id;
}

/// Documents are shared by many cases; a bound copy differs in its values only, so positions stay
/// true. The head of a scenario is the same in all cases, so values are put into the steps only.
Result<Document> bind_document(const Document& document, const Bindings& bindings,
                               std::set<std::string>& used) {
  Document bound = document;
  if (bound.root.is_object() && bound.root.contains("steps"))
    TRY_VOID(put_values_in(bound.root["steps"], document, "/steps", bindings, used));
  return bound;
}

Result<Scenario> read_bound(const Node& root) {
  TRY_VOID(root.allow_only({"$schema", "id", "catalogue", "level", "summary", "source", "catches",
                            "applies", "parameters", "each_case", "steps", "faults", "schedule"}));
  if (root.has("$schema")) TRY_VOID(root.at("$schema").as_string());
  Scenario scenario;
  scenario.id = TRY(read_id(TRY(root.required("id"))));
  scenario.level = TRY(read_word(TRY(root.required("level")), level_words()));
  scenario.summary = TRY(TRY(root.required("summary")).as_string());
  if (root.has("catalogue")) scenario.catalogue = TRY(root.at("catalogue").as_string());
  if (root.has("source")) scenario.source = TRY(root.at("source").as_strings());
  if (root.has("catches")) scenario.catches = TRY(root.at("catches").as_string());
  if (root.has("applies")) scenario.applies = TRY(read_applies(root.at("applies")));
  if (root.has("each_case"))
    scenario.fresh_server_each_case =
        TRY(root.at("each_case").as_word({"same-server", "fresh-server"})) == "fresh-server";
  scenario.steps = TRY(read_steps(TRY(root.required("steps"))));
  if (root.has("faults")) scenario.faults = TRY(read_faults(root.at("faults")));
  if (root.has("schedule")) scenario.schedule = TRY(read_schedule(root.at("schedule")));
  return scenario;
}

}  // namespace

Result<Applies> read_applies(const Node& node) {
  TRY_VOID(
      node.allow_only({"transport", "family", "speaks", "concurrency", "network", "declares"}));
  Applies applies;
  if (node.has("transport")) {
    const Node words = node.at("transport");
    for (const std::string& word : TRY(words.as_strings())) {
      if (word == "stream") {
        applies.transport.insert(applies.transport.end(), {Transport::tcp, Transport::unix_stream});
      } else if (word == "datagram") {
        applies.transport.insert(applies.transport.end(), {Transport::udp, Transport::unix_dgram});
      } else {
        const Result<Transport> transport = parse_transport(word);
        if (!transport)
          return tl::unexpected(
              words.error(transport.error().message + " (or stream, or datagram)"));
        applies.transport.push_back(*transport);
      }
    }
  }
  if (node.has("speaks")) applies.speaks = TRY(node.at("speaks").as_strings());
  if (node.has("concurrency"))
    applies.concurrent =
        TRY(node.at("concurrency").as_word({"concurrent", "iterative"})) == "concurrent";
  if (node.has("family")) applies.is_ipv6 = TRY(node.at("family").as_word({"ipv6"})) == "ipv6";
  if (node.has("network"))
    applies.broadcast_link = TRY(node.at("network").as_word({"broadcast"})) == "broadcast";
  if (node.has("declares")) {
    for (const std::string& word : TRY(node.at("declares").as_strings())) {
      if (word == "broadcasts")
        applies.broadcasts = true;
      else
        applies.declares.push_back(word);
    }
    static const std::vector<std::string> known = {"max_message",       "max_connections",
                                                   "max_memory_growth", "idle_timeout_ms",
                                                   "broadcasts",        "reports_port"};
    for (const std::string& word : applies.declares) {
      if (std::find(known.begin(), known.end(), word) == known.end())
        return tl::unexpected(
            node.at("declares")
                .error(fmt::format("unknown declaration '{}': expected {}{}", word, join_or(known),
                                   did_you_mean(word, known))));
    }
  }
  return applies;
}

Result<Scenario> read_scenario(const Document& document, const Bindings& bindings) {
  std::set<std::string> used;
  const Document bound = TRY(bind_document(document, bindings, used));
  return read_bound(Node(bound));
}

Result<Check> read_check(Document document) {
  const Node root(document);
  if (!root.is_object())
    return tl::unexpected(
        root.expected("a scenario: an object with \"id\", \"level\", \"summary\" and \"steps\""));
  std::vector<Bindings> cases = TRY(read_cases(root));
  std::optional<Scenario> first;
  std::set<std::string> used;
  for (const Bindings& bindings : cases) {
    const Document bound = TRY(bind_document(document, bindings, used));
    Scenario scenario = TRY(read_bound(Node(bound)));
    if (!first) first = std::move(scenario);
  }
  for (const auto& [name, value] : cases[0]) {
    if (used.count(name) == 0)
      return tl::unexpected(
          root.at("parameters")
              .at(name)
              .error(fmt::format(
                  "the parameter '{}' is never used: write \"${}\" where its value belongs", name,
                  name)));
  }
  static const Schema schema(scenario_schema());
  TRY_VOID(schema.validate(document));
  return Check{
      .document = std::move(document), .first = *std::move(first), .cases = std::move(cases)};
}

std::string to_string(const Bindings& bindings) {
  std::string text;
  for (const auto& [name, value] : bindings)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name,
                        value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

}  // namespace sockdrill
