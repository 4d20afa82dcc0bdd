// Payloads, names and words in the compact form.

#include <algorithm>

#include "harness/base/utf8.h"
#include "harness/fuzz/compact.h"
#include "harness/fuzz/steps_form.h"
#include "harness/scenario/bounds.h"
#include "harness/target/dialogue.h"

namespace sockdrill {

namespace {

using PayloadKind = Payload::Kind;

/// In the order of their numbers, which are part of the form's version. `file` is not in it.
const std::vector<PayloadKind>& kinds_in_form() {
  static const std::vector<PayloadKind> kinds{
      PayloadKind::text,    PayloadKind::hex,     PayloadKind::base64,   PayloadKind::repeat,
      PayloadKind::pattern, PayloadKind::request, PayloadKind::join,     PayloadKind::integer,
      PayloadKind::varint,  PayloadKind::cstr,    PayloadKind::length_of};
  return kinds;
}

bool has_parts(PayloadKind kind) {
  return kind == PayloadKind::repeat || kind == PayloadKind::join ||
         kind == PayloadKind::length_of || kind == PayloadKind::request;
}

/// JSON texts are UTF-8; other octets are written in hexadecimal.
void make_text_readable(Payload& payload) {
  const bool is_text = payload.kind == PayloadKind::text || payload.kind == PayloadKind::cstr;
  if (!is_text || is_utf8(payload.bytes)) return;
  if (payload.kind == PayloadKind::cstr) payload.bytes += '\0';
  payload.kind = PayloadKind::hex;
}

/// Fields of a request by their number in the dialogue, others by name.
void pass_field_name(Codec& codec, std::string& name, const Payload& request,
                     const FormContext& context) {
  std::vector<std::string> names;
  if (const Exchange* exchange = exchange_of(request, context.target.speaks)) {
    for (const Field& field : exchange->fields) names.push_back(field.name);
  }
  pass_word(codec, name, names, is_utf8, "a field's name");
}

struct FieldInForm {
  std::string name;
  Payload value;
};

void pass_fields(Codec& codec, Payload& payload, FormContext& context, int depth) {
  std::vector<FieldInForm> fields;
  for (const auto& [name, value] : payload.fields) fields.push_back({name, value});
  codec.items(fields, 0, 64, "fields", [&](FieldInForm& field) {
    pass_field_name(codec, field.name, payload, context);
    pass_payload(codec, field.value, context, depth + 1);
  });
  if (!codec.reads()) return;
  for (FieldInForm& field : fields) {
    const bool is_there = std::any_of(payload.fields.begin(), payload.fields.end(),
                                      [&](const auto& other) { return other.first == field.name; });
    if (!is_there) payload.fields.emplace_back(std::move(field.name), std::move(field.value));
  }
}

void pass_point(Codec& codec, std::optional<Point>& point) {
  if (!point) point.emplace();
  std::uint64_t place = point->is_half ? 0 : point->octets + 1;
  codec.number(place, 0, kMostOctets + 1, "first or after");
  *point = place == 0 ? Point{.is_half = true} : Point{.octets = place - 1};
}

void pass_one_part(Codec& codec, Payload& payload, FormContext& context, int depth) {
  if (payload.parts.empty()) payload.parts.emplace_back();
  pass_payload(codec, payload.parts[0], context, depth + 1);
}

void pass_request(Codec& codec, Payload& payload, FormContext& context, int depth) {
  bool has_fields = !payload.fields.empty();
  codec.bits({&payload.is_sized, &has_fields});
  codec.number(payload.number, 0, payload.is_sized ? kMostOctets : kMostRequests, "request");
  if (has_fields) pass_fields(codec, payload, context, depth);
}

void pass_pattern(Codec& codec, Payload& payload, FormContext& context) {
  bool is_named = payload.name != "own";
  codec.bits({&is_named});
  if (is_named)
    pass_name(codec, payload.name, context);
  else
    payload.name = "own";
  codec.number(payload.number, 0, kMostOctets, "bytes");
}

void pass_kind(Codec& codec, Payload& payload, FormContext& context, int depth) {
  switch (payload.kind) {
    case PayloadKind::text:
    case PayloadKind::hex:
    case PayloadKind::base64:
    case PayloadKind::cstr:
      codec.octets(payload.bytes);
      return make_text_readable(payload);
    case PayloadKind::repeat:
      codec.number(payload.number, 0, kMostOctets, "times");
      return pass_one_part(codec, payload, context, depth);
    case PayloadKind::pattern:
      return pass_pattern(codec, payload, context);
    case PayloadKind::request:
      return pass_request(codec, payload, context, depth);
    case PayloadKind::join:
      return codec.items(payload.parts, 0, 1 << 16, "parts",
                         [&](Payload& part) { pass_payload(codec, part, context, depth + 1); });
    case PayloadKind::integer:
      codec.choice(payload.name, integer_forms(), "form");
      return codec.number(payload.number, 0, largest_integer(payload.name), "integer");
    case PayloadKind::varint:
      return codec.number(payload.number, 0, INT64_MAX, "varint");
    case PayloadKind::length_of:
      codec.choice(payload.name, integer_forms(), "as");
      return pass_one_part(codec, payload, context, depth);
    case PayloadKind::file:
      return codec.refuse("it reads a file");
  }
}

}  // namespace

void pass_word(Codec& codec, std::string& word, const std::vector<std::string>& list,
               bool (*is_good)(std::string_view), const char* what) {
  const auto found = std::find(list.begin(), list.end(), word);
  auto index = static_cast<std::size_t>(found - list.begin());
  codec.number(index, 0, list.size(), what);
  if (index < list.size()) {
    word = list[index];
    return;
  }
  codec.octets(word);
  if (codec.reads() && !is_good(word)) word = list.empty() ? "" : list[0];
}

void pass_name(Codec& codec, std::string& name, FormContext& context) {
  std::vector<std::string>& names = context.texts.names;
  const auto found = std::find(names.begin(), names.end(), name);
  auto index = static_cast<std::size_t>(found - names.begin());
  if (!codec.reads() && found == names.end()) names.push_back(name);
  codec.number(index, 0, kMostNames - 1, "names");
  if (codec.reads()) name = index < names.size() ? names[index] : client_name(index);
}

void pass_payload(Codec& codec, Payload& payload, FormContext& context, int depth) {
  std::size_t kind = 0;
  if (!codec.reads()) {
    const auto& kinds = kinds_in_form();
    kind = static_cast<std::size_t>(std::find(kinds.begin(), kinds.end(), payload.kind) -
                                    kinds.begin());
    if (kind == kinds.size()) return codec.refuse("it reads a file");
    if (depth >= kDeepestPayload && has_parts(payload.kind))
      return codec.refuse("a payload is nested too deep");
  }
  // One octet for the kind, and for whether it is taken in part.
  std::size_t head = kind * 4 + (payload.first ? 1U : 0U) + (payload.after ? 2U : 0U);
  codec.number(head, 0, kinds_in_form().size() * 4 - 1, "payload");
  if (codec.reads()) {
    payload = Payload{.kind = kinds_in_form()[head / 4]};
    if (depth >= kDeepestPayload && has_parts(payload.kind)) payload.kind = PayloadKind::text;
  }
  pass_kind(codec, payload, context, depth);
  if ((head & 1U) != 0) pass_point(codec, payload.first);
  if ((head & 2U) != 0) pass_point(codec, payload.after);
}

}  // namespace sockdrill
