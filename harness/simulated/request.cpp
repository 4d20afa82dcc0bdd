#include "harness/simulated/request.h"

#include "harness/base/try.h"

namespace sockdrill {

namespace {

struct Split {
  Json first;
  std::string rest;
};

/// One line of our own, then a recording.
Result<Split> split(const std::string& text, const std::string& file) {
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) return fail("it breaks off in its first line", file);
  Split parts{.first = Json::parse(text.substr(0, end), nullptr, false),
              .rest = text.substr(end + 1)};
  if (!parts.first.is_object()) return fail("its first line is no JSON object", file + ":1");
  return parts;
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

}  // namespace

std::string result_file_of(const std::string& request_file) { return request_file + ".result"; }

std::string write_request(const SimulationRequest& request) {
  const Json first{{"port", request.port}, {"path", request.path}};
  return first.dump() + "\n" + write_recording(request.head);
}

Result<SimulationRequest> read_request(const std::string& text, const std::string& file) {
  Split parts = TRY(split(text, file));
  return SimulationRequest{.head = TRY(read_recording(parts.rest, file)),
                           .port = static_cast<std::uint16_t>(number_of(parts.first, "port")),
                           .path = text_of(parts.first, "path")};
}

std::string write_result(const SimulationResult& result) {
  const Json first{{"was_started", result.was_started}, {"why_not", result.why_not}};
  return first.dump() + "\n" + write_recording(result.recording);
}

Result<SimulationResult> read_result(const std::string& text, const std::string& file) {
  Split parts = TRY(split(text, file));
  SimulationResult result{.recording = TRY(read_recording(parts.rest, file))};
  const auto started = parts.first.find("was_started");
  result.was_started =
      started != parts.first.end() && started->is_boolean() && started->get<bool>();
  result.why_not = text_of(parts.first, "why_not");
  return result;
}

}  // namespace sockdrill
