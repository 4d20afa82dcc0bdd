#include "harness/plan/resolve.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

using Kind = Payload::Kind;

Bytes encode_integer(std::uint64_t value, const std::string& form) {
  return encode_length(value, *form_named(form));
}

/// LEB128, as in Protocol Buffers: seven bits an octet, the lowest first.
Bytes encode_varint(std::uint64_t value) {
  Bytes octets;
  do {
    const std::uint64_t low = value & 0x7fU;
    value >>= 7U;
    octets += static_cast<char>(low | (value != 0 ? 0x80U : 0U));
  } while (value != 0);
  return octets;
}

Result<Content> read_payload_file(const std::string& name, const std::string& base_dir) {
  const std::string path = name.starts_with("/") || base_dir.empty() ? name : base_dir + "/" + name;
  const SysResult<std::string> octets = read_file(path);
  if (!octets)
    return fail(fmt::format("the payload file cannot be read: {}", describe(octets.error())), path);
  return Content(*octets);
}

Content pattern_of(const std::string& name, std::uint64_t length, const std::string& client,
                   ClientState& state) {
  const std::string key = pattern_key(name == "own" ? client : name);
  std::uint64_t& offset = state.pattern_offset[key];
  Content content = Content::pattern(key, offset, length);
  offset += length;
  return content;
}

/// The exchanges a target's clients can ask for: its own, or an empty one for servers that are not
/// asked.
const Exchange& exchange_at(const Dialogue& dialogue, std::size_t index) {
  static const Exchange empty{};
  return dialogue.exchanges.empty() ? empty : dialogue.exchanges[index % dialogue.exchanges.size()];
}

/// A request of "sized" length is filled with the client's pattern: as telling as an echo's, and
/// free of spaces and quotes.
Result<Resolved> resolve_sized(const Payload& payload, const std::string& client,
                               ClientState& state, const ResolveContext& context) {
  const std::optional<SizedField> field = sized_field(context.target.speaks);
  if (!field)
    return Resolved{.out_of_bounds =
                        fmt::format("{} has no request with a field of variable length",
                                    context.target.speaks.name)};
  const std::uint64_t most = std::min<std::uint64_t>(
      field->max_bytes, context.target.declares.max_message.value_or(UINT64_MAX));
  if (payload.number > most || payload.number < field->min_bytes) {
    return Resolved{.out_of_bounds =
                        fmt::format("its field '{}' takes {} to {} octets, not {}", field->field,
                                    field->min_bytes, most, payload.number)};
  }
  const Exchange& exchange = exchange_at(context.target.speaks, field->exchange);
  FieldValues values = draw_fields(exchange, context.seed ^ hash_of(client));
  for (auto& [name, value] : values) {
    if (name == field->field)
      value = pattern_of("own", payload.number, client, state)
                  .copy(0, static_cast<std::size_t>(payload.number));
  }
  Content content;
  content.append_compressed(render(exchange.request, values));
  return Resolved{
      .content = content,
      .request = ResolvedRequest{
          .exchange = field->exchange, .values = std::move(values), .content = content}};
}

Result<FieldValues> values_for(const Payload& payload, std::size_t index, const std::string& client,
                               ClientState& state, const ResolveContext& context) {
  const Exchange& exchange = exchange_at(context.target.speaks, index);
  const std::uint64_t nth = state.times_sent[index]++;
  FieldValues values =
      draw_fields(exchange, context.seed ^ hash_of(client) ^ (nth * 0x9e3779b97f4a7c15U) ^ index);
  if (context.target.speaks.style == Style::echo && payload.fields.empty()) {
    values = {{"text", pattern_of("own", 64, client, state).copy(0, 64)}};
  }
  for (const auto& [name, given] : payload.fields) {
    const auto field =
        std::find_if(values.begin(), values.end(),
                     [&, wanted = name](const auto& v) { return v.first == wanted; });
    if (field == values.end())
      return fail(fmt::format("request {} of '{}' has no field '{}'", index,
                              context.target.speaks.name, name));
    const Resolved value = TRY(resolve(given, client, state, context));
    field->second = value.content.copy(0, static_cast<std::size_t>(value.content.size()));
  }
  return values;
}

Result<Resolved> resolve_request(const Payload& payload, const std::string& client,
                                 ClientState& state, const ResolveContext& context) {
  if (payload.is_sized) return resolve_sized(payload, client, state, context);
  const Dialogue& dialogue = context.target.speaks;
  // Generic checks ask for request 0, 1 ...; a dialogue with fewer takes them in turn.
  const std::size_t index = dialogue.exchanges.empty() ? 0
                                                       : static_cast<std::size_t>(payload.number) %
                                                             dialogue.exchanges.size();
  if (dialogue.style == Style::sink && dialogue.exchanges.empty()) {
    Content content = pattern_of("own", 64, client, state);
    return Resolved{.content = content,
                    .request = ResolvedRequest{.exchange = 0, .content = content}};
  }
  // The second part of a request goes with the first: the same values.
  const bool is_rest = payload.after.has_value() && state.half_sent.count(index) != 0;
  const FieldValues values =
      is_rest ? state.half_sent[index] : TRY(values_for(payload, index, client, state, context));
  if (payload.first)
    state.half_sent[index] = values;
  else
    state.half_sent.erase(index);
  state.last_values[index] = values;
  Content content;
  content.append_compressed(render(exchange_at(dialogue, index).request, values));
  return Resolved{
      .content = content,
      .request = ResolvedRequest{.exchange = index, .values = values, .content = content}};
}

std::uint64_t octets_at(const Point& point, std::uint64_t size) {
  return point.is_half ? size / 2 : std::min(point.octets, size);
}

Result<Resolved> resolve_whole(const Payload& payload, const std::string& client,
                               ClientState& state, const ResolveContext& context) {
  switch (payload.kind) {
    case Kind::text:
    case Kind::hex:
    case Kind::base64:
      return Resolved{.content = Content(payload.bytes)};
    case Kind::cstr:
      return Resolved{.content = Content(payload.bytes + '\0')};
    case Kind::integer:
      return Resolved{.content = Content(encode_integer(payload.number, payload.name))};
    case Kind::varint:
      return Resolved{.content = Content(encode_varint(payload.number))};
    case Kind::file:
      return Resolved{.content = TRY(read_payload_file(payload.name, context.base_dir))};
    case Kind::pattern:
      return Resolved{.content = pattern_of(payload.name, payload.number, client, state)};
    case Kind::request:
      return resolve_request(payload, client, state, context);
    case Kind::repeat: {
      const Resolved part = TRY(resolve(payload.parts.at(0), client, state, context));
      if (part.content.size() * payload.number > kMostOctets)
        return fail(fmt::format("a payload of more than {} octets", kMostOctets));
      Content content;
      for (std::uint64_t i = 0; i < payload.number; ++i) content.append(part.content);
      return Resolved{.content = std::move(content)};
    }
    case Kind::join: {
      Content content;
      for (const Payload& part : payload.parts)
        content.append(TRY(resolve(part, client, state, context)).content);
      return Resolved{.content = std::move(content)};
    }
    case Kind::length_of: {
      const Resolved part = TRY(resolve(payload.parts.at(0), client, state, context));
      return Resolved{.content = Content(encode_integer(part.content.size(), payload.name))};
    }
  }
  return Resolved{};
}

}  // namespace

Result<Resolved> resolve(const Payload& payload, const std::string& client, ClientState& state,
                         const ResolveContext& context) {
  Resolved resolved = TRY(resolve_whole(payload, client, state, context));
  const std::uint64_t size = resolved.content.size();
  const std::uint64_t begin = payload.after ? octets_at(*payload.after, size) : 0;
  const std::uint64_t end = payload.first ? octets_at(*payload.first, size) : size;
  if (payload.first || payload.after)
    resolved.content = resolved.content.slice(begin, end > begin ? end - begin : 0);
  return resolved;
}

}  // namespace sockdrill
