// One event as JSON and back, and the words of its lanes and kinds.

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/base/utf8.h"
#include "harness/recording/recording.h"

namespace sockdrill {

namespace {

constexpr std::array<std::pair<Lane, const char*>, 4> kLanes{{{Lane::client, "client"},
                                                              {Lane::server, "server"},
                                                              {Lane::network, "network"},
                                                              {Lane::harness, "harness"}}};

constexpr std::array<std::pair<Kind, const char*>, 36> kKinds{{
    {Kind::opened, "opened"},
    {Kind::connected, "connected"},
    {Kind::connect_failed, "connect-failed"},
    {Kind::sent, "sent"},
    {Kind::send_failed, "send-failed"},
    {Kind::blocked, "blocked"},
    {Kind::received, "received"},
    {Kind::ended, "ended"},
    {Kind::shut_down, "shut-down"},
    {Kind::closed, "closed"},
    {Kind::was_reset, "was-reset"},
    {Kind::ran, "ran"},
    {Kind::started, "started"},
    {Kind::listening, "listening"},
    {Kind::not_listening, "not-listening"},
    {Kind::stopped, "stopped"},
    {Kind::continued, "continued"},
    {Kind::signalled, "signalled"},
    {Kind::limited, "limited"},
    {Kind::exited, "exited"},
    {Kind::wrote, "wrote"},
    {Kind::sampled, "sampled"},
    {Kind::observed, "observed"},
    {Kind::left_over, "left-over"},
    {Kind::case_began, "case-began"},
    {Kind::round_began, "round-began"},
    {Kind::step_began, "step-began"},
    {Kind::step_ended, "step-ended"},
    {Kind::rested, "rested"},
    {Kind::restless, "restless"},
    {Kind::probed, "probed"},
    {Kind::dropped, "dropped"},
    {Kind::struck, "struck"},
    {Kind::measured_quiet, "measured-quiet"},
    {Kind::note, "note"},
    {Kind::failed, "failed"},
}};

template <typename Table>
std::vector<std::string> words_of(const Table& table) {
  std::vector<std::string> words;
  words.reserve(table.size());
  for (const auto& [value, word] : table) words.emplace_back(word);
  return words;
}

template <typename Table, typename T>
std::string word_in(const Table& table, T value) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == value; });
  return found == table.end() ? "?" : found->second;
}

template <typename Table>
auto read_word_of(const Node& node, const Table& table)
    -> Result<typename Table::value_type::first_type> {
  const std::string word = TRY(node.as_word(words_of(table)));
  return std::find_if(table.begin(), table.end(),
                      [&](const auto& row) { return row.second == word; })
      ->first;
}

Json write_text(const std::string& text) {
  if (is_utf8(text)) return text;
  Json json = Json::object();
  json["hex"] = to_hex(text);
  return json;
}

Result<std::string> read_text(const Node& node) {
  if (!node.is_object()) return node.as_string();
  TRY_VOID(node.allow_only({"hex"}));
  const std::optional<Bytes> text = from_hex(TRY(TRY(node.required("hex")).as_string()));
  if (!text) return tl::unexpected(node.at("hex").expected("pairs of hexadecimal digits"));
  return *text;
}

Json write_error(Errno error) {
  const std::string name = name_of(error);
  return errno_named(name) == error ? Json(name) : Json(error.value);
}

Result<Errno> read_error(const Node& node) {
  if (node.is_number()) return Errno{static_cast<int>(TRY(node.as_integer(INT32_MIN, INT32_MAX)))};
  const Errno error = errno_named(TRY(node.as_string()));
  if (error == Errno{}) return tl::unexpected(node.expected("an errno, as \"ECONNRESET\""));
  return error;
}

Json write_resources(const Resources& r) {
  return Json{{"processes", r.processes},
              {"threads", r.threads},
              {"zombies", r.zombies},
              {"descriptors", r.descriptors},
              {"resident_bytes", r.resident_bytes},
              {"virtual_bytes", r.virtual_bytes},
              {"ran_ns", r.ran.count()},
              {"runnable_ns", r.runnable.count()},
              {"runs", r.runs},
              {"close_wait", r.close_wait}};
}

Result<int> read_count(const Node& node, const std::string& key) {
  if (!node.has(key)) return 0;
  return static_cast<int>(TRY(node.at(key).as_integer(INT32_MIN, INT32_MAX)));
}

Result<std::int64_t> read_signed(const Node& node, const std::string& key) {
  if (!node.has(key)) return 0;
  return node.at(key).as_integer(INT64_MIN, INT64_MAX);
}

Result<Resources> read_resources(const Node& node) {
  TRY_VOID(node.allow_only({"processes", "threads", "zombies", "descriptors", "resident_bytes",
                            "virtual_bytes", "ran_ns", "runnable_ns", "runs", "close_wait"}));
  Resources r;
  r.processes = TRY(read_count(node, "processes"));
  r.threads = TRY(read_count(node, "threads"));
  r.zombies = TRY(read_count(node, "zombies"));
  r.descriptors = TRY(read_count(node, "descriptors"));
  r.close_wait = TRY(read_count(node, "close_wait"));
  r.ran = Nanoseconds(TRY(read_signed(node, "ran_ns")));
  r.runnable = Nanoseconds(TRY(read_signed(node, "runnable_ns")));
  if (node.has("resident_bytes")) r.resident_bytes = TRY(node.at("resident_bytes").as_unsigned());
  if (node.has("virtual_bytes")) r.virtual_bytes = TRY(node.at("virtual_bytes").as_unsigned());
  if (node.has("runs")) r.runs = TRY(node.at("runs").as_unsigned());
  return r;
}

constexpr const char* kUrgent = "urgent";

}  // namespace

void note_urgent(Event& event) { event.detail = kUrgent; }
bool ends_urgent(const Event& event) { return event.detail == kUrgent; }

std::string to_string(Kind kind) { return word_in(kKinds, kind); }
std::string to_string(Lane lane) { return word_in(kLanes, lane); }

Json write_event(const Event& event) {
  Json json;
  json["at_ns"] = event.at.count();
  json["lane"] = to_string(event.lane);
  if (!event.who.empty()) json["who"] = write_text(event.who);
  json["kind"] = to_string(event.kind);
  if (event.step != -1) json["step"] = event.step;
  if (!event.text.empty()) json["text"] = write_text(event.text);
  if (!event.detail.empty()) json["detail"] = write_text(event.detail);
  if (event.number != 0) json["number"] = event.number;
  if (event.error != Errno{}) json["error"] = write_error(event.error);
  if (!event.content.empty()) json["content"] = write_content(event.content);
  if (event.resources) json["resources"] = write_resources(*event.resources);
  if (event.snapshot) json["snapshot"] = write_snapshot(*event.snapshot);
  return json;
}

Result<Event> read_event(const Node& node) {
  TRY_VOID(node.allow_only({"at_ns", "lane", "who", "kind", "step", "text", "detail", "number",
                            "error", "content", "resources", "snapshot"}));
  Event event;
  event.at = Nanoseconds(TRY(TRY(node.required("at_ns")).as_integer(INT64_MIN, INT64_MAX)));
  event.lane = TRY(read_word_of(TRY(node.required("lane")), kLanes));
  event.kind = TRY(read_word_of(TRY(node.required("kind")), kKinds));
  if (node.has("who")) event.who = TRY(read_text(node.at("who")));
  if (node.has("step"))
    event.step = static_cast<int>(TRY(node.at("step").as_integer(INT32_MIN, INT32_MAX)));
  if (node.has("text")) event.text = TRY(read_text(node.at("text")));
  if (node.has("detail")) event.detail = TRY(read_text(node.at("detail")));
  if (node.has("number")) event.number = TRY(node.at("number").as_unsigned());
  if (node.has("error")) event.error = TRY(read_error(node.at("error")));
  if (node.has("content")) event.content = TRY(read_content(node.at("content")));
  if (node.has("resources")) event.resources = TRY(read_resources(node.at("resources")));
  if (node.has("snapshot")) event.snapshot = TRY(read_snapshot(node.at("snapshot")));
  return event;
}

}  // namespace sockdrill
