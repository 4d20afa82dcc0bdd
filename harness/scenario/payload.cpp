#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/scenario/bounds.h"
#include "harness/scenario/scenario.h"
#include "harness/target/dialogue.h"

namespace sockdrill {

namespace {

using Kind = Payload::Kind;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Result<Bytes> read_hex(const Node& node) {
  std::string digits;
  for (const char c : TRY(node.as_string())) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0)
      return tl::unexpected(node.expected("hexadecimal digits, in pairs, with or without spaces"));
    digits += c;
  }
  const std::optional<Bytes> octets = from_hex(digits);
  if (!octets)
    return tl::unexpected(node.error("a hexadecimal digit is left over: they come in pairs"));
  return *octets;
}

Result<Bytes> read_base64(const Node& node) {
  const std::string text = TRY(node.as_string());
  const std::size_t end = text.find_last_not_of('=') + 1;
  if (text.size() % 4 != 0 || text.size() - end > 2)
    return tl::unexpected(node.expected("base64 (RFC 4648), padded with '='"));
  Bytes octets;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, end)) {
    const std::size_t value = kBase64.find(c);
    if (value == std::string_view::npos) return tl::unexpected(node.expected("base64 (RFC 4648)"));
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    octets += static_cast<char>((bits >> static_cast<unsigned>(held)) & 0xffU);
  }
  return octets;
}

std::string write_base64(const Bytes& octets) {
  std::string text;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits =
          (bits << 8U) | (i + k < octets.size() ? static_cast<unsigned char>(octets[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > octets.size() ? '=' : kBase64[(bits >> (18 - 6 * k)) & 0x3fU];
  }
  return text;
}

Result<Point> read_point(const Node& node) {
  if (node.is_string()) {
    TRY_VOID(node.as_word({"half"}));
    return Point{.is_half = true};
  }
  return Point{.octets = static_cast<std::uint64_t>(TRY(node.as_integer(0, kMostOctets)))};
}

Json write_point(const Point& point) { return point.is_half ? Json("half") : Json(point.octets); }

Result<Payload> read_request(const Node& node) {
  Payload payload{.kind = Kind::request};
  const Node which = node.at("request");
  if (which.is_string()) {
    TRY_VOID(which.as_word({"sized"}));
    payload.is_sized = true;
    payload.number =
        static_cast<std::uint64_t>(TRY(TRY(node.required("bytes")).as_integer(0, kMostOctets)));
  } else {
    payload.number = static_cast<std::uint64_t>(TRY(which.as_integer(0, kMostRequests)));
    if (node.has("bytes"))
      return tl::unexpected(node.at("bytes").error("\"bytes\" goes with \"request\": \"sized\""));
  }
  if (!node.has("fields")) return payload;
  if (!node.at("fields").is_object())
    return tl::unexpected(node.at("fields").expected("an object: field name -> payload"));
  for (const auto& [name, value] : node.at("fields").members())
    payload.fields.emplace_back(name, TRY(read_payload(value, {})));
  return payload;
}

Result<Payload> read_kind(const Node& node, const std::string& kind) {
  const Node value = node.at(kind);
  if (kind == "text") return Payload{.kind = Kind::text, .bytes = TRY(value.as_string())};
  if (kind == "cstr") return Payload{.kind = Kind::cstr, .bytes = TRY(value.as_string())};
  if (kind == "hex") return Payload{.kind = Kind::hex, .bytes = TRY(read_hex(value))};
  if (kind == "base64") return Payload{.kind = Kind::base64, .bytes = TRY(read_base64(value))};
  if (kind == "file") return Payload{.kind = Kind::file, .name = TRY(value.as_string())};
  if (kind == "request") return read_request(node);
  if (kind == "varint")
    return Payload{.kind = Kind::varint,
                   .number = static_cast<std::uint64_t>(TRY(value.as_integer(0, INT64_MAX)))};
  if (kind == "pattern") {
    Payload payload{.kind = Kind::pattern, .name = TRY(value.as_string())};
    payload.number =
        static_cast<std::uint64_t>(TRY(TRY(node.required("bytes")).as_integer(0, kMostOctets)));
    return payload;
  }
  if (kind == "repeat") {
    Payload payload{.kind = Kind::repeat};
    payload.number =
        static_cast<std::uint64_t>(TRY(TRY(node.required("times")).as_integer(0, kMostOctets)));
    payload.parts.push_back(TRY(read_payload(value, {})));
    return payload;
  }
  if (kind == "join") {
    if (!value.is_array()) return tl::unexpected(value.expected("an array of payloads"));
    Payload payload{.kind = Kind::join};
    for (const Node& item : value.items()) payload.parts.push_back(TRY(read_payload(item, {})));
    return payload;
  }
  if (kind == "length_of") {
    Payload payload{.kind = Kind::length_of,
                    .name = TRY(TRY(node.required("as")).as_word(integer_forms()))};
    payload.parts.push_back(TRY(read_payload(value, {})));
    return payload;
  }
  return Payload{.kind = Kind::integer,
                 .name = kind,
                 .number = static_cast<std::uint64_t>(
                     TRY(value.as_integer(0, static_cast<std::int64_t>(largest_integer(kind)))))};
}

/// The keys beside the one that names the kind.
std::vector<std::string> companions_of(const std::string& kind) {
  if (kind == "pattern") return {"bytes"};
  if (kind == "repeat") return {"times"};
  if (kind == "length_of") return {"as"};
  if (kind == "request") return {"bytes", "fields"};
  return {};
}

}  // namespace

Result<Payload> read_payload(const Node& node, const std::vector<std::string>& other_keys) {
  static const std::vector<std::string> kinds = {
      "text",   "hex",  "base64",    "file", "repeat", "pattern", "request", "join",
      "varint", "cstr", "length_of", "u8",   "u16be",  "u16le",   "u32be",   "u32le"};
  if (node.is_string()) return Payload{.kind = Kind::text, .bytes = TRY(node.as_string())};
  if (!node.is_object())
    return tl::unexpected(
        node.expected("a payload: a string, or an object with one of " + join_or(kinds)));
  std::string kind;
  for (const auto& [key, value] : node.members()) {
    if (std::find(kinds.begin(), kinds.end(), key) == kinds.end()) continue;
    if (!kind.empty())
      return tl::unexpected(value.error(fmt::format(
          "'{}' and '{}' both say what to send: keep one, or \"join\" them", kind, key)));
    kind = key;
  }
  std::vector<std::string> allowed = other_keys;
  allowed.insert(allowed.end(), {"first", "after"});
  for (const std::string& companion : companions_of(kind)) allowed.push_back(companion);
  allowed.insert(allowed.end(), kinds.begin(), kinds.end());
  TRY_VOID(node.allow_only(allowed));
  if (kind.empty())
    return tl::unexpected(node.expected("a payload: one of the keys " + join_or(kinds)));
  Payload payload = TRY(read_kind(node, kind));
  if (node.has("first")) payload.first = TRY(read_point(node.at("first")));
  if (node.has("after")) payload.after = TRY(read_point(node.at("after")));
  return payload;
}

Json write_payload(const Payload& payload) {
  Json json = Json::object();
  switch (payload.kind) {
    case Kind::text:
      json["text"] = payload.bytes;
      break;
    case Kind::cstr:
      json["cstr"] = payload.bytes;
      break;
    case Kind::hex:
      json["hex"] = to_hex(payload.bytes);
      break;
    case Kind::base64:
      json["base64"] = write_base64(payload.bytes);
      break;
    case Kind::file:
      json["file"] = payload.name;
      break;
    case Kind::repeat:
      json["repeat"] = write_payload(payload.parts.at(0));
      json["times"] = payload.number;
      break;
    case Kind::pattern:
      json["pattern"] = payload.name;
      json["bytes"] = payload.number;
      break;
    case Kind::request:
      json["request"] = payload.is_sized ? Json("sized") : Json(payload.number);
      if (payload.is_sized) json["bytes"] = payload.number;
      for (const auto& [name, value] : payload.fields) json["fields"][name] = write_payload(value);
      break;
    case Kind::join:
      json["join"] = Json::array();
      for (const Payload& part : payload.parts) json["join"].push_back(write_payload(part));
      break;
    case Kind::integer:
      json[payload.name] = payload.number;
      break;
    case Kind::varint:
      json["varint"] = payload.number;
      break;
    case Kind::length_of:
      json["length_of"] = write_payload(payload.parts.at(0));
      json["as"] = payload.name;
      break;
  }
  if (payload.first) json["first"] = write_point(*payload.first);
  if (payload.after) json["after"] = write_point(*payload.after);
  return json;
}

}  // namespace sockdrill
