#include "harness/target/dialogue.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harness/base/try.h"

namespace sockdrill {

namespace {

const std::vector<std::string> kBuiltIn = {"echo", "discard", "chargen",        "daytime",
                                           "time", "line",    "length-prefixed"};

Template literal(const std::string& text) { return parse_template(text).value(); }

/// The small services over datagrams: one request of any content, one reply.
Exchange datagram_exchange(const std::string& reply) {
  return {.request = literal("{text}"),
          .reply = literal(reply),
          .fields = {{.name = "text", .min_bytes = 0, .max_bytes = 512}}};
}

bool allows_any_octet(const Field& field) {
  for (int octet = field.printable ? 0x21 : 0; octet < (field.printable ? 0x7f : 0x100); ++octet) {
    if (field.without.find(static_cast<char>(octet)) == Bytes::npos) return true;
  }
  return false;
}

Result<Field> read_field(const std::string& name, const Node& node) {
  TRY_VOID(node.allow_only({"bytes", "without", "octets", "one_of"}));
  Field field{.name = name};
  if (node.has("bytes")) {
    const Node range = node.at("bytes");
    const std::vector<Node> ends = range.is_array() ? range.items() : std::vector<Node>{};
    if (ends.size() != 2)
      return tl::unexpected(range.expected("the smallest and the largest length, as [1, 64]"));
    field.min_bytes = static_cast<std::size_t>(TRY(ends[0].as_integer(0, 1 << 26)));
    field.max_bytes = static_cast<std::size_t>(
        TRY(ends[1].as_integer(static_cast<std::int64_t>(field.min_bytes), 1 << 26)));
  }
  if (node.has("without")) field.without = TRY(node.at("without").as_string());
  if (node.has("octets"))
    field.printable = TRY(node.at("octets").as_word({"printable", "all"})) == "printable";
  if (node.has("one_of")) field.one_of = TRY(node.at("one_of").as_strings());
  if (field.one_of.empty() && !allows_any_octet(field))
    return tl::unexpected(
        node.at("without").error(fmt::format("leaves no octet for the field '{}'", name)));
  return field;
}

Result<Template> read_template(const Node& node) {
  Result<Template> parts = parse_template(TRY(node.as_string()));
  if (!parts) return tl::unexpected(node.error(parts.error().message));
  return parts;
}

/// Every field that a template names must be described; every field described must be named by the
/// request.
Result<void> check_fields(const Exchange& exchange, const Node& node) {
  const auto is_described = [&](const std::string& name) {
    return exchange.field(name) != nullptr;
  };
  std::set<std::string> used;
  for (const Part& part : exchange.request) {
    if (part.kind == Part::Kind::any || part.kind == Part::Kind::line ||
        part.kind == Part::Kind::digits) {
      return tl::unexpected(node.at("request").error(
          "a request cannot hold {any}, {line} or {digits}: nobody would know what to send"));
    }
    if (part.kind != Part::Kind::literal) used.insert(part.field);
    if (part.kind != Part::Kind::literal && !is_described(part.field)) {
      return tl::unexpected(node.at("request").error(
          fmt::format("the field '{}' is not described: add \"{}\": {{\"bytes\": [1, 64]}}",
                      part.field, part.field)));
    }
  }
  for (const Part& part : exchange.reply) {
    const bool names_a_field = part.kind == Part::Kind::field || part.kind == Part::Kind::length;
    if (names_a_field && used.count(part.field) == 0) {
      return tl::unexpected(node.at("reply").error(
          fmt::format("the reply repeats '{}', which the request does not hold", part.field)));
    }
  }
  for (const Field& field : exchange.fields) {
    if (used.count(field.name) == 0)
      return tl::unexpected(
          node.at(field.name)
              .error(fmt::format("the field '{}' is never used by the request", field.name)));
  }
  return {};
}

Result<Exchange> read_exchange(const Node& node) {
  if (!node.is_object())
    return tl::unexpected(node.expected("an exchange: an object with \"request\" and \"reply\""));
  Exchange exchange;
  exchange.request = TRY(read_template(TRY(node.required("request"))));
  exchange.reply = TRY(read_template(TRY(node.required("reply"))));
  if (node.has("then")) exchange.then_fin = TRY(node.at("then").as_word({"open", "fin"})) == "fin";
  for (const auto& [key, value] : node.members()) {
    if (key == "request" || key == "reply" || key == "then") continue;
    if (!value.is_object())
      return tl::unexpected(value.error(fmt::format(
          "unknown key '{}': expected request, reply, then, or a field's description", key)));
    exchange.fields.push_back(TRY(read_field(key, value)));
  }
  TRY_VOID(check_fields(exchange, node));
  return exchange;
}

Result<Framing> read_framing(const Node& node) {
  TRY_VOID(node.allow_only({"lines", "length_prefix"}));
  Framing framing;
  if (node.has("lines")) {
    framing.kind = Framing::Kind::lines;
    framing.terminator = TRY(node.at("lines").as_string());
  } else if (node.has("length_prefix")) {
    framing.kind = Framing::Kind::length_prefix;
    framing.length = *form_named(TRY(node.at("length_prefix").as_word(integer_forms())));
  }
  return framing;
}

}  // namespace

const Field* Exchange::field(const std::string& name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool Dialogue::is_persistent() const {
  if (style == Style::announce || style == Style::source) return false;
  return exchanges.empty() || !exchanges.front().then_fin;
}

std::vector<std::string> built_in_dialogue_names() { return kBuiltIn; }

std::optional<Dialogue> built_in_dialogue(const std::string& name, Transport transport) {
  const bool is_stream = is_connected(transport);
  Dialogue dialogue{.name = name};
  if (name == "echo") {
    dialogue.style = Style::echo;
    dialogue.exchanges = {
        {.request = literal("{text}"),
         .reply = literal("{text}"),
         .fields = {{.name = "text", .min_bytes = 0, .max_bytes = 1U << 26U, .printable = false}}}};
    dialogue.exchanges[0].fields[0].min_bytes = is_stream ? 1 : 0;
  } else if (name == "discard") {
    dialogue.style = Style::sink;
  } else if (name == "chargen") {
    dialogue.style = is_stream ? Style::source : Style::request_reply;
    if (!is_stream)
      dialogue.exchanges = {datagram_exchange("{any}")};  // RFC 864: 0 to 512 characters
  } else if (name == "daytime") {
    dialogue.style = is_stream ? Style::announce : Style::request_reply;
    dialogue.exchanges = {is_stream ? Exchange{.reply = literal("{line}\r\n"), .then_fin = true}
                                    : datagram_exchange("{line}\r\n")};
  } else if (name == "time") {
    dialogue.style = is_stream ? Style::announce : Style::request_reply;
    dialogue.exchanges = {is_stream ? Exchange{.reply = literal("{any 4}"), .then_fin = true}
                                    : datagram_exchange("{any 4}")};
  } else if (name == "line") {
    dialogue.exchanges = {{.request = literal("{text}\n"),
                           .reply = literal("ok {text}\n"),
                           .fields = {{.name = "text",
                                       .min_bytes = 0,
                                       .max_bytes = 4096,
                                       .without = "\r\n",
                                       .printable = false}}}};
    dialogue.framing = {.kind = Framing::Kind::lines, .terminator = "\n"};
  } else if (name == "length-prefixed") {
    dialogue.exchanges = {
        {.request = literal("{u32be length frame}{frame}"),
         .reply = literal("{u32be length frame}{frame}"),
         .fields = {{.name = "frame", .min_bytes = 0, .max_bytes = 65536, .printable = false}}}};
    dialogue.framing = {.kind = Framing::Kind::length_prefix, .length = LengthForm::u32be};
  } else {
    return std::nullopt;
  }
  return dialogue;
}

Result<Dialogue> read_dialogue(const Node& node, Transport transport) {
  if (node.is_string()) {
    const std::string name = TRY(node.as_string());
    if (std::optional<Dialogue> built_in = built_in_dialogue(name, transport)) return *built_in;
    return tl::unexpected(
        node.error(fmt::format("unknown protocol '{}': expected {}, or a dialogue{}", name,
                               join_or(kBuiltIn), did_you_mean(name, kBuiltIn))));
  }
  TRY_VOID(node.allow_only(
      {"$schema", "name", "style", "greeting", "dialogue", "framing", "replies_from"}));
  Dialogue dialogue;
  dialogue.name = node.has("name") ? TRY(node.at("name").as_string()) : "dialogue";
  if (node.has("style")) {
    const std::string word =
        TRY(node.at("style").as_word({"request-reply", "echo", "sink", "source", "announce"}));
    dialogue.style = word == "echo"       ? Style::echo
                     : word == "sink"     ? Style::sink
                     : word == "source"   ? Style::source
                     : word == "announce" ? Style::announce
                                          : Style::request_reply;
  }
  if (node.has("greeting")) dialogue.greeting = TRY(read_template(node.at("greeting")));
  if (node.has("framing")) dialogue.framing = TRY(read_framing(node.at("framing")));
  if (node.has("replies_from")) {
    const Node from = node.at("replies_from");
    dialogue.replies_from_any_port = TRY(from.as_word({"port-asked", "any-port"})) == "any-port";
    if (transport != Transport::udp)
      return tl::unexpected(from.error("only UDP replies can come from another port"));
  }
  const bool may_be_empty = dialogue.style == Style::sink || dialogue.style == Style::source;
  if (may_be_empty && !node.has("dialogue")) return dialogue;
  const Node exchanges = TRY(node.required("dialogue"));
  if (!exchanges.is_array() || (exchanges.items().empty() && !may_be_empty))
    return tl::unexpected(exchanges.expected("an array of exchanges, at least one"));
  for (const Node& item : exchanges.items()) dialogue.exchanges.push_back(TRY(read_exchange(item)));
  return dialogue;
}

Json write_dialogue(const Dialogue& dialogue) {
  static const char* const kStyles[] = {"request-reply", "echo", "sink", "source", "announce"};
  Json json{{"name", dialogue.name}, {"style", kStyles[static_cast<int>(dialogue.style)]}};
  if (!dialogue.greeting.empty()) json["greeting"] = to_string(dialogue.greeting);
  if (dialogue.replies_from_any_port) json["replies_from"] = "any-port";
  json["dialogue"] = Json::array();
  for (const Exchange& exchange : dialogue.exchanges) {
    Json item{{"request", to_string(exchange.request)}, {"reply", to_string(exchange.reply)}};
    if (exchange.then_fin) item["then"] = "fin";
    for (const Field& field : exchange.fields) {
      Json description{{"bytes", {field.min_bytes, field.max_bytes}}};
      if (!field.without.empty()) description["without"] = field.without;
      if (!field.printable) description["octets"] = "all";
      if (!field.one_of.empty()) description["one_of"] = field.one_of;
      item[field.name] = std::move(description);
    }
    json["dialogue"].push_back(std::move(item));
  }
  if (dialogue.framing.kind == Framing::Kind::lines)
    json["framing"] = {{"lines", dialogue.framing.terminator}};
  if (dialogue.framing.kind == Framing::Kind::length_prefix)
    json["framing"] = {{"length_prefix", to_string(dialogue.framing.length)}};
  return json;
}

std::optional<SizedField> sized_field(const Dialogue& dialogue) {
  std::optional<SizedField> best;
  for (std::size_t i = 0; i < dialogue.exchanges.size(); ++i) {
    if (dialogue.is_persistent() && dialogue.exchanges[i].then_fin) continue;
    for (const Field& field : dialogue.exchanges[i].fields) {
      if (!field.one_of.empty() || (best && field.max_bytes <= best->max_bytes)) continue;
      best = SizedField{.exchange = i,
                        .field = field.name,
                        .min_bytes = field.min_bytes,
                        .max_bytes = field.max_bytes};
    }
  }
  return best;
}

}  // namespace sockdrill
