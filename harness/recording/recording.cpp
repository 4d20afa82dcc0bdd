// A whole recording as JSON Lines and back.

#include "harness/recording/recording.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "harness/base/try.h"

namespace sockdrill {

namespace {

constexpr int kFormat = 1;
constexpr const char* kFormatKey = "sockdrill_recording";

std::string to_line(const Json& json) {
  // Only a manifest's text can still be no UTF-8 here; it is replaced rather than thrown over.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// One line as a document. Without positions it is read several times faster.
Result<Document> parse_line(std::string_view line, const std::string& file, bool has_positions) {
  std::string text(line);
  if (has_positions && text.size() <= kLargestDocument) return parse_document(text, file);
  Json json = parse_values(text);
  if (json.is_discarded()) return fail("this is not JSON", file + ":1:1");
  return Document{.file = file, .text = std::move(text), .root = std::move(json), .offsets = {}};
}

/// Reads a line quickly; reads it again with positions when there is an error to point at. `read`
/// takes a Node and fills in what it finds.
template <typename Read>
Result<void> read_line(std::string_view line, const std::string& file, std::size_t number,
                       const Read& read) {
  for (const bool has_positions : {false, true}) {
    const Result<Document> document = parse_line(line, file, has_positions);
    const Result<void> done =
        document ? read(Node(*document)) : Result<void>(tl::unexpected(document.error()));
    if (done) return {};
    if (!has_positions) continue;
    // Every line was line 1 of a document of its own.
    const std::string& where = done.error().where;
    return fail(done.error().message,
                fmt::format("{}:{}:{}", file, number, where.substr(where.rfind(':') + 1)));
  }
  return {};
}

/// A part of a document as a document of its own that still points into the whole.
Document part_of(const Node& node) {
  Document part{.file = node.document().file,
                .text = node.document().text,
                .root = node.json(),
                .offsets = {}};
  for (const auto& [pointer, offset] : node.document().offsets) {
    if (pointer.starts_with(node.pointer()))
      part.offsets[pointer.substr(node.pointer().size())] = offset;
  }
  return part;
}

Result<Target> read_target(const Node& head) {
  const Document document = part_of(head.at("target"));
  const std::vector<Target> targets = TRY(read_targets(document));
  Target target = targets[0];
  target.file = head.has("target_file") ? TRY(head.at("target_file").as_string()) : "";
  if (head.has("model")) target.model = TRY(head.at("model").as_string());
  return target;
}

Result<std::vector<Bindings>> read_cases(const Node& node) {
  if (!node.is_array()) return tl::unexpected(node.expected("an array of cases"));
  std::vector<Bindings> cases;
  for (const Node& item : node.items()) {
    if (!item.is_object()) return tl::unexpected(item.expected("an object: parameter, value"));
    Bindings bindings;
    for (const auto& [name, value] : item.members()) bindings[name] = value.json();
    cases.push_back(std::move(bindings));
  }
  return cases;
}

Result<void> read_head(const Node& node, Recording& recording) {
  TRY_VOID(node.allow_only({kFormatKey, "version", "scenario_file", "seed", "isolated", "cases",
                            "target_file", "model", "target", "scenario"}));
  TRY_VOID(TRY(node.required(kFormatKey)).as_integer(kFormat, kFormat));
  if (node.has("version")) recording.version = TRY(node.at("version").as_string());
  if (node.has("scenario_file"))
    recording.scenario_file = TRY(node.at("scenario_file").as_string());
  const Node seed = TRY(node.required("seed"));
  if (!seed.json().is_number_unsigned()) return tl::unexpected(seed.expected("a seed"));
  recording.seed = seed.json().get<std::uint64_t>();
  recording.isolated = TRY(TRY(node.required("isolated")).as_bool());
  recording.cases = TRY(read_cases(TRY(node.required("cases"))));
  if (node.has("target")) recording.target = TRY(read_target(node));
  if (node.has("scenario")) recording.scenario = node.at("scenario").json();
  return {};
}

Result<void> read_event_or_end(const Node& node, Recording& recording) {
  if (!node.has("end")) {
    recording.events.push_back(TRY(read_event(node)));
    return {};
  }
  TRY_VOID(node.allow_only({"end"}));
  const auto events = TRY(node.at("end").as_integer(0, INT64_MAX));
  if (static_cast<std::size_t>(events) != recording.events.size()) {
    return tl::unexpected(
        node.at("end").error(fmt::format("{} where the recording ends with {}: lines are missing",
                                         count_of(recording.events.size(), "event"),
                                         with_separators(static_cast<std::size_t>(events)))));
  }
  recording.is_whole = true;
  return {};
}

}  // namespace

std::string head_line(const Recording& recording) {
  Json json;
  json[kFormatKey] = kFormat;
  json["version"] = recording.version;
  json["scenario_file"] = recording.scenario_file;
  json["seed"] = recording.seed;
  json["isolated"] = recording.isolated;
  json["cases"] = Json::array();
  for (const Bindings& bindings : recording.cases) {
    Json one = Json::object();
    for (const auto& [name, value] : bindings) one[name] = value;
    json["cases"].push_back(std::move(one));
  }
  if (recording.target != Target{}) {
    json["target_file"] = recording.target.file;
    json["model"] = recording.target.model;
    json["target"] = write_target(recording.target);
  }
  if (!recording.scenario.is_null()) json["scenario"] = recording.scenario;
  return to_line(json);
}

std::string event_line(const Event& event) { return to_line(write_event(event)); }

std::string end_line(std::size_t events) {
  Json json;
  json["end"] = events;
  return to_line(json);
}

std::string write_recording(const Recording& recording) {
  std::string text = head_line(recording);
  for (const Event& event : recording.events) text += event_line(event);
  if (recording.is_whole) text += end_line(recording.events.size());
  return text;
}

Result<Recording> read_recording(const std::string& text, const std::string& file) {
  Recording recording;
  recording.is_whole = false;
  std::string_view rest = text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos && number > 1) return recording;  // It breaks off here.
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (recording.is_whole)
      return fail("a line after the end of the recording", fmt::format("{}:{}:1", file, number));
    TRY_VOID(read_line(line, file, number, [&](const Node& node) {
      return number == 1 ? read_head(node, recording) : read_event_or_end(node, recording);
    }));
  }
  if (text.empty()) return fail("is empty, expected a recording", file);
  return recording;
}

const Resources* baseline_before(const Recording& recording, std::size_t at) {
  for (std::size_t i = std::min(at + 1, recording.events.size()); i-- > 0;) {
    const Event& event = recording.events[i];
    if (event.kind == Kind::sampled && event.text == "baseline") return &*event.resources;
  }
  return nullptr;
}

}  // namespace sockdrill
