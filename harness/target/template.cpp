#include <algorithm>
#include <array>
#include <random>

#include <fmt/format.h>

#include "harness/base/check.h"
#include "harness/base/try.h"
#include "harness/base/utf8.h"
#include "harness/target/dialogue.h"

namespace sockdrill {

namespace {

constexpr std::array<std::pair<LengthForm, const char*>, 6> kForms{
    {{LengthForm::decimal, "decimal"},
     {LengthForm::u8, "u8"},
     {LengthForm::u16be, "u16be"},
     {LengthForm::u32be, "u32be"},
     {LengthForm::u16le, "u16le"},
     {LengthForm::u32le, "u32le"}}};

/// As the octets stand in a template. What is no UTF-8 cannot stand in JSON.
std::string text_of_literal(const Bytes& literal) {
  std::string text;
  for (std::size_t at = 0; at < literal.size();) {
    const std::size_t length = utf8_length(literal, at);
    if (length == 0) {
      text += fmt::format("{{hex {}}}", to_hex(literal.substr(at, 1)));
    } else {
      const bool is_brace = literal[at] == '{' || literal[at] == '}';
      text += is_brace ? std::string(2, literal[at]) : literal.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return text;
}

Result<Part> parse_placeholder(const std::string& inside) {
  const std::vector<std::string> words = split(inside, ' ');
  if (words.size() == 1 && words[0] == "any") return Part{.kind = Part::Kind::any};
  if (words.size() == 1 && words[0] == "line") return Part{.kind = Part::Kind::line};
  if (words.size() == 1 && words[0] == "digits") return Part{.kind = Part::Kind::digits};
  if (words.size() >= 2 && words[0] == "hex") {
    Bytes octets;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::optional<Bytes> part = from_hex(words[i]);
      if (!part || part->empty())
        return fail(fmt::format("'{{{}}}': expected pairs of hexadecimal digits", inside));
      octets += *part;
    }
    return Part{.kind = Part::Kind::literal, .literal = octets};
  }
  if (words.size() == 2 && words[0] == "any") {
    const bool is_number =
        !words[1].empty() && words[1].size() < 8 &&
        std::all_of(words[1].begin(), words[1].end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return fail(fmt::format("'{{{}}}': expected {{any COUNT}}", inside));
    return Part{.kind = Part::Kind::any, .count = static_cast<std::size_t>(std::stoul(words[1]))};
  }
  if (words.size() == 2 && words[0] == "length")
    return Part{.kind = Part::Kind::length, .field = words[1]};
  if (words.size() == 3 && words[1] == "length" && form_named(words[0])) {
    return Part{.kind = Part::Kind::length, .field = words[2], .form = *form_named(words[0])};
  }
  if (words.size() == 1 && !words[0].empty())
    return Part{.kind = Part::Kind::field, .field = words[0]};
  return fail(
      fmt::format("'{{{}}}' is no placeholder: expected {{field}}, {{length field}}, "
                  "{{u8|u16be|u32be|u16le|u32le length field}}, "
                  "{{any}}, {{any COUNT}}, {{line}}, {{digits}} or {{hex DIGITS}}",
                  inside));
}

void append_literal(Template& parts, std::string_view octets) {
  if (parts.empty() || parts.back().kind != Part::Kind::literal) parts.push_back(Part{});
  parts.back().literal += octets;
}

const Bytes* value_of(const FieldValues& values, const std::string& name) {
  for (const auto& [key, value] : values) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// The octets of a part that are known beforehand; nothing for a wildcard.
std::optional<Bytes> known_octets(const Part& part, const FieldValues& values) {
  if (part.kind == Part::Kind::literal) return part.literal;
  if (part.kind != Part::Kind::field && part.kind != Part::Kind::length) return std::nullopt;
  const Bytes* value = value_of(values, part.field);
  SOCKDRILL_CHECK(value != nullptr,
                  "a template names a field without a value; reading should have refused it");
  return part.kind == Part::Kind::field ? *value : encode_length(value->size(), part.form);
}

bool may_stand_in(Part::Kind kind, char octet) {
  if (kind == Part::Kind::line) return octet != '\r' && octet != '\n';
  if (kind == Part::Kind::digits) return octet >= '0' && octet <= '9';
  return true;
}

const char* word_for(Part::Kind kind) {
  return kind == Part::Kind::line     ? "text of a line"
         : kind == Part::Kind::digits ? "decimal digits"
                                      : "octets";
}

}  // namespace

std::string to_string(LengthForm form) {
  return std::find_if(kForms.begin(), kForms.end(), [&](const auto& f) { return f.first == form; })
      ->second;
}

std::optional<LengthForm> form_named(const std::string& word) {
  for (const auto& [form, name] : kForms) {
    if (word == name) return form;
  }
  return std::nullopt;
}

const std::vector<std::string>& integer_forms() {
  static const std::vector<std::string> forms{"u8", "u16be", "u16le", "u32be", "u32le"};
  return forms;
}

Bytes encode_length(std::size_t length, LengthForm form) {
  const auto octet = [length](unsigned shift) {
    return static_cast<char>((length >> shift) & 0xffU);
  };
  switch (form) {
    case LengthForm::decimal:
      return fmt::format("{}", length);
    case LengthForm::u8:
      return {octet(0)};
    case LengthForm::u16be:
      return {octet(8), octet(0)};
    case LengthForm::u32be:
      return {octet(24), octet(16), octet(8), octet(0)};
    case LengthForm::u16le:
      return {octet(0), octet(8)};
    case LengthForm::u32le:
      return {octet(0), octet(8), octet(16), octet(24)};
  }
  return {};
}

Result<Template> parse_template(const std::string& text) {
  Template parts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_doubled = i + 1 < text.size() && text[i + 1] == text[i];
    if ((text[i] == '{' || text[i] == '}') && is_doubled) {
      append_literal(parts, std::string_view(text).substr(i++, 1));
    } else if (text[i] == '}') {
      return fail("a '}' without its '{': write '}}' for the octet itself");
    } else if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string::npos)
        return fail("a '{' without its '}': write '{{' for the octet itself");
      Part part{TRY(parse_placeholder(text.substr(i + 1, end - i - 1)))};
      if (part.kind == Part::Kind::literal) {
        append_literal(parts, part.literal);
      } else {
        parts.push_back(std::move(part));
      }
      i = end;
    } else {
      append_literal(parts, std::string_view(text).substr(i, 1));
    }
  }
  return parts;
}

std::string to_string(const Template& parts) {
  std::string text;
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::literal:
        text += text_of_literal(part.literal);
        break;
      case Part::Kind::field:
        text += fmt::format("{{{}}}", part.field);
        break;
      case Part::Kind::length:
        text += part.form == LengthForm::decimal
                    ? fmt::format("{{length {}}}", part.field)
                    : fmt::format("{{{} length {}}}", to_string(part.form), part.field);
        break;
      case Part::Kind::any:
        text += part.count ? fmt::format("{{any {}}}", *part.count) : "{any}";
        break;
      case Part::Kind::line:
        text += "{line}";
        break;
      case Part::Kind::digits:
        text += "{digits}";
        break;
    }
  }
  return text;
}

FieldValues draw_fields(const Exchange& exchange, std::uint64_t seed) {
  FieldValues values;
  for (const Field& field : exchange.fields) {
    std::mt19937_64 random(seed ^ hash_of(field.name));
    if (!field.one_of.empty()) {
      values.emplace_back(field.name, field.one_of[random() % field.one_of.size()]);
      continue;
    }
    Bytes allowed;
    for (int octet = field.printable ? 0x21 : 0; octet < (field.printable ? 0x7f : 0x100);
         ++octet) {
      if (field.without.find(static_cast<char>(octet)) == Bytes::npos)
        allowed += static_cast<char>(octet);
    }
    SOCKDRILL_CHECK(!allowed.empty(), "a field allows no octet; reading should have refused it");
    // Some tens of octets make a readable ladder; sizes are the business of "sized" requests.
    const std::size_t most = std::min(field.max_bytes, std::max<std::size_t>(field.min_bytes, 48));
    const std::size_t length = field.min_bytes + random() % (most - field.min_bytes + 1);
    Bytes value;
    while (value.size() < length) value += allowed[random() % allowed.size()];
    values.emplace_back(field.name, std::move(value));
  }
  return values;
}

Bytes render(const Template& parts, const FieldValues& values) {
  Bytes bytes;
  for (const Part& part : parts) bytes += known_octets(part, values).value_or("");
  return bytes;
}

ReplyMatch match_reply(const Template& reply, const FieldValues& values,
                       std::string_view received) {
  using State = ReplyMatch::State;
  std::size_t at = 0;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const Part& part = reply[i];
    if (const std::optional<Bytes> known = known_octets(part, values)) {
      const std::size_t here = std::min(known->size(), received.size() - at);
      const auto differs =
          std::mismatch(known->begin(), known->begin() + static_cast<std::ptrdiff_t>(here),
                        received.begin() + static_cast<std::ptrdiff_t>(at));
      const auto good = static_cast<std::size_t>(differs.first - known->begin());
      at += good;
      if (good == known->size()) continue;
      const std::string rest = quote(std::string_view(*known).substr(good));
      if (good < here) return {.state = State::mismatch, .differs_at = at, .expected = rest};
      return {.state = State::needs_more, .expected = rest};
    }
    if (part.count) {
      if (received.size() - at < *part.count)
        return {.state = State::needs_more,
                .expected = count_of(*part.count - (received.size() - at), "octet")};
      at += *part.count;
      continue;
    }
    // A wildcard runs up to the literal behind it, or takes all that may stand in it at the
    // template's end.
    const std::optional<Bytes> stop =
        i + 1 < reply.size() ? known_octets(reply[i + 1], values) : std::nullopt;
    std::size_t end = at;
    while (end < received.size() && may_stand_in(part.kind, received[end]) &&
           !(stop && received.substr(end, stop->size()) == *stop))
      ++end;
    const std::string expected =
        fmt::format("{}{}", word_for(part.kind), stop ? ", then " + quote(*stop) : "");
    if (end == received.size() && (stop || end == at))
      return {.state = State::needs_more, .expected = expected};
    if (end == at && part.kind != Part::Kind::any)
      return {.state = State::mismatch, .differs_at = at, .expected = expected};
    at = end;
  }
  return {.state = State::complete, .taken = at};
}

}  // namespace sockdrill
