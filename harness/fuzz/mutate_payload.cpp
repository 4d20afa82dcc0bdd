// Changes of payloads, with the target's dialogue in mind.

#include <algorithm>

#include "harness/base/utf8.h"
#include "harness/fuzz/dictionary.h"
#include "harness/fuzz/draw.h"
#include "harness/fuzz/mutate.h"
#include "harness/fuzz/steps.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

using Kind = Payload::Kind;

constexpr std::size_t kLongestLiteral = 4096;

std::uint64_t wrong_length(std::uint64_t right, Draw& draw) {
  static const std::vector<std::uint64_t> numbers{
      0,      1,       0x7f,       0x80,       0xff,       0x7fff,    0x8000,
      0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
  switch (draw.below(5)) {
    case 0:
      return right + 1;
    case 1:
      return right == 0 ? 0xffffffff : right - 1;
    case 2:  // the largest of any width: it wraps when a header or a terminator is added
      return ~std::uint64_t{} - draw.below(16);
    default:
      return draw.of(numbers);
  }
}

Payload length_part(const Part& part, const Payload& field, std::uint64_t size, bool lies,
                    Draw& draw) {
  if (part.form == LengthForm::decimal) {
    if (lies && draw.one_in(4)) {
      static const std::vector<std::string> words{
          "-1", "", "00", "+1", "99999999999999999999", "4294967296", "0x10", " 1"};
      return octets_payload(draw.of(words));
    }
    return octets_payload(std::to_string(lies ? wrong_length(size, draw) : size));
  }
  const std::string form = to_string(part.form);
  if (!lies) return {.kind = Kind::length_of, .name = form, .parts = {field}};
  return {.kind = Kind::integer,
          .name = form,
          .number = wrong_length(size, draw) & largest_integer(form)};
}

/// Octets changed in place, put in, taken out, or doubled.
void mutate_octets(Bytes& octets, const Target& target, Draw& draw) {
  const auto at = static_cast<std::size_t>(draw.below(octets.size() + 1));
  switch (draw.below(6)) {
    case 0:
      if (at < octets.size()) octets[at] = static_cast<char>(draw.below(256));
      break;
    case 1:
      octets.insert(at, 1, static_cast<char>(draw.below(256)));
      break;
    case 2:
      octets.erase(at, static_cast<std::size_t>(draw.between(1, 4)));
      break;
    case 3:
      octets.insert(at, draw.of(dictionary_of(target.speaks)));
      break;
    case 4:
      octets.insert(at, octets.substr(at, static_cast<std::size_t>(draw.between(1, 16))));
      break;
    default:
      octets.insert(at, static_cast<std::size_t>(draw.between(1, 600)), 'A');
  }
  octets.resize(std::min(octets.size(), kLongestLiteral));
}

/// At or beside a size that buffers have.
std::uint64_t size_of_a_buffer(Draw& draw) {
  static const std::vector<std::uint64_t> sizes{0,    1,    2,     8,     16,   32,   64,
                                                100,  128,  256,   512,   1000, 1024, 2048,
                                                4096, 8192, 16384, 65507, 65536};
  const std::uint64_t size = draw.of(sizes);
  return size + draw.below(3) - std::min<std::uint64_t>(size, 1);
}

std::uint64_t near(std::uint64_t number, Draw& draw) {
  if (draw.one_in(2)) return size_of_a_buffer(draw);
  return draw.one_in(2) ? number + 1 : number - std::min<std::uint64_t>(number, 1);
}

/// Of a field's values, by which other fields of that name have the same.
std::uint64_t seed_of_values(Draw& draw) {
  constexpr std::uint64_t kShared = 3;
  return draw.one_in(2) ? draw.below(kShared) : draw.seed();
}

void set_field(Payload& request, const std::string& name, Payload value) {
  const auto found =
      std::ranges::find(request.fields, name, [](const auto& given) { return given.first; });
  if (found != request.fields.end())
    found->second = std::move(value);
  else
    request.fields.emplace_back(name, std::move(value));
}

/// A field's own value instead of a drawn one: at its bounds, beyond them, or with octets that it
/// does not take.
void set_a_field(Payload& request, const Exchange& exchange, Draw& draw) {
  if (exchange.fields.empty()) return;
  const Field& field = draw.of(exchange.fields);
  const std::vector<std::uint64_t> bounds{0, 1, field.min_bytes, field.max_bytes,
                                          field.max_bytes + 1};
  Payload value{.kind = Kind::pattern,
                .name = "own",
                .number = draw.one_in(2) ? draw.of(bounds) : size_of_a_buffer(draw)};
  if (!field.without.empty() && draw.one_in(3)) value = octets_payload(field.without);
  set_field(request, field.name, std::move(value));
}

void share_fields(Payload& request, const Exchange& exchange, Draw& draw) {
  for (const auto& [name, value] : draw_fields(exchange, seed_of_values(draw)))
    set_field(request, name, octets_payload(value));
}

void mutate_request(Payload& request, const Target& target, Draw& draw) {
  if (target.speaks.exchanges.empty() || draw.one_in(5)) {
    request.number = draw.below(8);
    return;
  }
  const Exchange& exchange = *exchange_of(request, target.speaks);
  if (draw.one_in(2))
    request = spell_out(exchange, draw.one_in(2), draw);
  else if (!request.is_sized && draw.one_in(2))
    share_fields(request, exchange, draw);
  else if (!request.is_sized)
    set_a_field(request, exchange, draw);
}

void take_a_part(Payload& payload, Draw& draw) {
  const auto point = [&] {
    return draw.one_in(3) ? Point{.is_half = true} : Point{.octets = draw.below(80)};
  };
  if (draw.one_in(3)) {
    payload.first.reset();
    payload.after.reset();
  } else if (draw.one_in(2)) {
    payload.first = point();
  } else {
    payload.after = point();
  }
}

void mutate_payload(Payload& payload, const Target& target, Draw& draw) {
  if (draw.one_in(8)) return take_a_part(payload, draw);
  if (draw.one_in(12)) {
    payload = Payload{.kind = Kind::repeat, .number = draw.between(0, 20), .parts = {payload}};
    return;
  }
  switch (payload.kind) {
    case Kind::text:
    case Kind::hex:
    case Kind::base64:
    case Kind::cstr:
      mutate_octets(payload.bytes, target, draw);
      if (!is_utf8(payload.bytes)) payload.kind = Kind::hex;
      return;
    case Kind::request:
      return mutate_request(payload, target, draw);
    case Kind::join:
      if (!payload.parts.empty() && draw.one_in(3))
        payload.parts.erase(payload.parts.begin() +
                            static_cast<std::ptrdiff_t>(draw.below(payload.parts.size())));
      else if (!payload.parts.empty() && payload.parts.size() < 64)
        payload.parts.push_back(draw.of(payload.parts));
      return;
    case Kind::integer:
      payload.number = wrong_length(payload.number, draw) & largest_integer(payload.name);
      return;
    case Kind::pattern:
    case Kind::repeat:
    case Kind::varint:
      payload.number = near(payload.number, draw);
      return;
    case Kind::length_of:
    case Kind::file:
      return;
  }
}

}  // namespace

Payload drawn_request(const Dialogue& dialogue, Draw& draw) {
  Payload request{.kind = Kind::request, .number = draw.below(dialogue.exchanges.size())};
  const Exchange* const exchange = exchange_of(request, dialogue);
  if (exchange != nullptr && draw.one_in(2)) share_fields(request, *exchange, draw);
  return request;
}

Payload spell_out(const Exchange& exchange, bool lies, Draw& draw) {
  const FieldValues values = draw_fields(exchange, seed_of_values(draw));
  Payload whole{.kind = Kind::join};
  for (const Part& part : exchange.request) {
    if (part.kind == Part::Kind::literal) {
      whole.parts.push_back(octets_payload(part.literal));
      continue;
    }
    const auto value = std::find_if(values.begin(), values.end(),
                                    [&](const auto& v) { return v.first == part.field; });
    if (value == values.end()) continue;
    const Payload field = octets_payload(value->second);
    whole.parts.push_back(part.kind == Part::Kind::length
                              ? length_part(part, field, value->second.size(), lies, draw)
                              : field);
  }
  // What a wrong length does shows itself in octets that are there.
  if (lies && draw.one_in(3))
    whole.parts.push_back({.kind = Kind::pattern, .name = "own", .number = size_of_a_buffer(draw)});
  return whole;
}

bool mutate_a_payload(std::vector<Step>& steps, const Target& target, Draw& draw) {
  std::vector<Payload*> payloads;
  for_each_action(steps, [&](ClientAction& action) {
    // What is expected stays as it is: an expectation of other octets finds nothing but itself.
    if (!std::holds_alternative<Expect>(action) && !std::holds_alternative<Run>(action))
      for_each_payload(action, [&](Payload& payload) { payloads.push_back(&payload); });
  });
  if (payloads.empty()) return false;
  mutate_payload(*draw.of(payloads), target, draw);
  return true;
}

}  // namespace sockdrill
