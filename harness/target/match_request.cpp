// A request's template against octets: literals as they are, fields by the length that stands
// before them or by what follows them.

#include <algorithm>
#include <map>

#include "harness/target/dialogue.h"

namespace sockdrill {

namespace {

using RequestState = RequestMatch::State;

/// How far a part goes.
struct PartMatch {
  RequestState state = RequestState::mismatch;
  std::size_t taken = 0;
};

PartMatch match_literal(std::string_view literal, std::string_view sent) {
  if (sent.starts_with(literal)) return {RequestState::complete, literal.size()};
  return {literal.starts_with(sent) ? RequestState::needs_more : RequestState::mismatch};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The number that stands there; decimal ones have no more digits than they need.
PartMatch match_length(LengthForm form, std::string_view sent, std::size_t& length) {
  length = 0;
  if (form == LengthForm::decimal) {
    constexpr std::ptrdiff_t kMostDigits = 9;
    const auto digits = std::find_if_not(sent.begin(), sent.end(), is_digit) - sent.begin();
    if (digits > kMostDigits || (digits > 1 && sent.front() == '0')) return {};
    for (const char digit : sent.substr(0, static_cast<std::size_t>(digits)))
      length = length * 10 + static_cast<std::size_t>(digit - '0');
    if (static_cast<std::size_t>(digits) == sent.size()) return {RequestState::needs_more};
    return {digits > 0 ? RequestState::complete : RequestState::mismatch,
            static_cast<std::size_t>(digits)};
  }
  const std::size_t size = encode_length(0, form).size();
  if (sent.size() < size) return {RequestState::needs_more};
  const bool is_little = form == LengthForm::u16le || form == LengthForm::u32le;
  for (std::size_t i = 0; i < size; ++i)
    length = length << 8U | static_cast<unsigned char>(sent[is_little ? size - 1 - i : i]);
  return {RequestState::complete, size};
}

bool may_begin_value(const Field& field, std::string_view value) {
  if (!field.one_of.empty())
    return std::any_of(field.one_of.begin(), field.one_of.end(),
                       [&](const Bytes& one) { return one.starts_with(value); });
  return value.size() <= field.max_bytes &&
         std::all_of(value.begin(), value.end(), [&](char octet) {
           const bool is_drawn = !field.printable || (octet > 0x20 && octet < 0x7f);
           return is_drawn && field.without.find(octet) == Bytes::npos;
         });
}

bool may_be_value(const Field& field, std::string_view value) {
  if (!field.one_of.empty())
    return std::find(field.one_of.begin(), field.one_of.end(), value) != field.one_of.end();
  return value.size() >= field.min_bytes && may_begin_value(field, value);
}

/// All there is of a value that goes on. A server may say what is wrong with it before its end.
PartMatch match_beginning(const Field& field, std::string_view value) {
  return {may_begin_value(field, value) ? RequestState::needs_more : RequestState::mismatch};
}

/// Up to the literal behind it; of the last part of a message, to its end.
PartMatch match_open_field(const Field& field, const Part* next, std::string_view sent,
                           bool is_whole) {
  if (next == nullptr)
    return {is_whole ? RequestState::complete : RequestState::mismatch, sent.size()};
  if (next->kind != Part::Kind::literal) return {};
  const std::size_t end = sent.find(next->literal);
  if (end != std::string_view::npos) return {RequestState::complete, end};
  // The literal may have begun, and its first octets may be none of the value's.
  const std::string_view literal = next->literal;
  for (std::size_t begun = std::min(sent.size(), literal.size() - 1); begun > 0; --begun) {
    if (sent.ends_with(literal.substr(0, begun)) &&
        may_begin_value(field, sent.substr(0, sent.size() - begun)))
      return {RequestState::needs_more};
  }
  return match_beginning(field, sent);
}

PartMatch match_field_of(std::size_t length, const Field& field, std::string_view sent) {
  if (length > field.max_bytes) return {};
  if (sent.size() < length) return match_beginning(field, sent);
  return {RequestState::complete, length};
}

}  // namespace

RequestMatch match_request(const Exchange& exchange, std::string_view sent, bool is_whole) {
  RequestMatch match;
  std::map<std::string, std::size_t> lengths;
  std::string_view rest = sent;
  for (std::size_t i = 0; i < exchange.request.size(); ++i) {
    const Part& part = exchange.request[i];
    PartMatch here;
    if (part.kind == Part::Kind::literal) {
      here = match_literal(part.literal, rest);
    } else if (part.kind == Part::Kind::length) {
      here = match_length(part.form, rest, lengths[part.field]);
    } else if (const Field* field =
                   part.kind == Part::Kind::field ? exchange.field(part.field) : nullptr;
               field != nullptr) {
      const auto length = lengths.find(field->name);
      const Part* next = i + 1 < exchange.request.size() ? &exchange.request[i + 1] : nullptr;
      here = length == lengths.end() ? match_open_field(*field, next, rest, is_whole)
                                     : match_field_of(length->second, *field, rest);
      if (here.state == RequestState::complete) {
        const std::string_view value = rest.substr(0, here.taken);
        if (!may_be_value(*field, value)) return {};
        match.values.emplace_back(field->name, Bytes(value));
      }
    }
    if (here.state != RequestState::complete) return {here.state, 0, {}};
    rest.remove_prefix(here.taken);
  }
  match.taken = sent.size() - rest.size();
  // A field before its length, or twice: render() says what the request would be.
  const bool is_one = is_whole ? rest.empty() : match.taken > 0;
  if (is_one && render(exchange.request, match.values) == sent.substr(0, match.taken))
    match.state = RequestState::complete;
  return match;
}

}  // namespace sockdrill
