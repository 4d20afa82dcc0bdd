#include "harness/fuzz/compact.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/fuzz/steps.h"
#include "harness/fuzz/steps_form.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostTexts = 1000;

Scenario default_head() {
  return Scenario{.id = "fuzz/input", .summary = "An input of the fuzzer"};
}

Scenario head_of(const Scenario& scenario) {
  Scenario head = scenario;
  head.steps.clear();
  head.faults.clear();
  head.schedule = {};
  return head;
}

bool are_default_names(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != client_name(i)) return false;
  }
  return true;
}

Bytes write_texts(const FormTexts& texts) {
  Json json = Json::object();
  if (texts.head != default_head()) {
    json["head"] = write_scenario(texts.head);
    json["head"].erase("steps");
  }
  if (!are_default_names(texts.names)) json["names"] = texts.names;
  if (!texts.notes.empty()) json["notes"] = texts.notes;
  if (!texts.clauses.empty()) json["because"] = texts.clauses;
  return json.empty() ? "" : json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Scenario read_head(Json json) {
  json["steps"] = Json::array({{{"server", "settled"}}});
  const Result<Document> document = parse_document(json.dump(), "texts");
  if (!document) return default_head();
  const Result<Scenario> scenario = read_scenario(*document, {});
  return scenario ? head_of(*scenario) : default_head();
}

std::vector<std::pair<std::size_t, std::string>> read_numbered(const Json& json) {
  std::vector<std::pair<std::size_t, std::string>> texts;
  if (!json.is_array()) return texts;
  for (const Json& item : json) {
    const bool is_pair =
        item.is_array() && item.size() == 2 && item[0].is_number_unsigned() && item[1].is_string();
    if (is_pair && texts.size() < kMostTexts)
      texts.emplace_back(item[0].get<std::size_t>(), item[1].get<std::string>());
  }
  return texts;
}

/// What is no such text is as good as none.
FormTexts read_texts(const Bytes& octets) {
  FormTexts texts{.head = default_head()};
  if (octets.empty()) return texts;
  const Result<Document> document = parse_document(octets, "texts");
  if (!document || !document->root.is_object()) return texts;
  const Json& root = document->root;
  if (root.contains("head") && root["head"].is_object()) texts.head = read_head(root["head"]);
  if (root.contains("notes")) texts.notes = read_numbered(root["notes"]);
  if (root.contains("because")) texts.clauses = read_numbered(root["because"]);
  if (!root.contains("names") || !root["names"].is_array()) return texts;
  for (const Json& name : root["names"]) {
    const bool is_good = name.is_string() && is_client_name(name.get<std::string>());
    if (texts.names.size() < kMostNames)
      texts.names.push_back(is_good ? name.get<std::string>() : client_name(texts.names.size()));
  }
  return texts;
}

}  // namespace

std::string client_name(std::size_t number) {
  return number < 26 ? std::string(1, static_cast<char>('a' + number))
                     : fmt::format("x-{}", number);
}

Result<Bytes> encode(const Scenario& scenario, const Target& target, Texts texts) {
  Scenario copy = texts == Texts::keep ? scenario : without_texts(scenario);
  FormTexts found{.head = head_of(copy)};
  FormContext context{.target = target, .texts = found};
  Codec steps = Codec::writer();
  pass_steps(steps, copy.steps, context);
  Codec faults = Codec::writer();
  pass_faults(faults, copy.faults);
  Codec schedule = Codec::writer();
  if (copy.schedule != Schedule{}) pass_schedule(schedule, copy.schedule);
  for (const Codec* part : {&steps, &faults, &schedule}) {
    if (!part->refusal().empty())
      return fail("does not fit into the compact form: " + part->refusal());
  }
  if (!std::all_of(found.names.begin(), found.names.end(), is_client_name))
    return fail("does not fit into the compact form: a pattern's name is no client's");
  if (std::max(found.notes.size(), found.clauses.size()) > kMostTexts)
    return fail("does not fit into the compact form: it has too many notes");
  Codec whole = Codec::writer();
  std::uint8_t version = kCompactVersion;
  whole.number(version, 0, 255, "version");
  for (Bytes section : {faults.written(), schedule.written(), write_texts(found)})
    whole.octets(section);
  Bytes rest = steps.written();
  whole.rest(rest);
  return whole.written();
}

Scenario decode(std::string_view octets, const Target& target, const Budget& budget) {
  Codec whole = Codec::reader(octets);
  std::uint8_t version = 0;
  whole.number(version, 0, 255, "version");
  Bytes faults;
  Bytes schedule;
  Bytes words;
  Bytes steps;
  whole.octets(faults);
  whole.octets(schedule);
  whole.octets(words);
  whole.rest(steps);
  FormTexts texts = read_texts(words);
  FormContext context{.target = target, .texts = texts};
  Scenario scenario = texts.head;
  Codec codec = Codec::reader(faults);
  pass_faults(codec, scenario.faults);
  codec = Codec::reader(schedule);
  pass_schedule(codec, scenario.schedule);
  codec = Codec::reader(steps);
  pass_steps(codec, scenario.steps, context);
  return make_legal(std::move(scenario), target, budget);
}

Result<void> check_version(std::string_view octets) {
  if (octets.empty()) return fail("is empty, expected the compact form of a scenario");
  const auto version = static_cast<std::uint8_t>(octets[0]);
  if (version == '{')
    return fail("is JSON, expected the compact form of a scenario: `sockdrill encode` makes it");
  if (version != kCompactVersion)
    return fail(fmt::format("is not in version {} of the compact form: its first octet is {}",
                            kCompactVersion, version));
  return {};
}

Scenario without_texts(Scenario scenario) {
  Scenario bare = default_head();
  bare.steps = std::move(scenario.steps);
  bare.faults = std::move(scenario.faults);
  bare.schedule = std::move(scenario.schedule);
  drop_notes(bare.steps);
  rename_clients(bare.steps);
  return bare;
}

}  // namespace sockdrill
