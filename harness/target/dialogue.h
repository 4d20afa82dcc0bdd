#pragma once

// What a server speaks: requests and the replies they must get, as data.
//
// A template is literal octets with variable parts in braces: `ECHO {text}\r\n` -> `${length
// text}\r\n{text}\r\n`.
//   {name}                 a field of the request, drawn within its bounds; in the reply: the same
//   octets again {length name}          the field's length in decimal; {u8|u16be|u32be|u16le|u32le
//   length name} in binary {any} {line} {digits}  in a reply: any octets, any but CR and LF,
//   decimal digits; up to the literal that follows {any N}                exactly N octets of any
//   value
//   {hex 00 ff}            these octets; what is no UTF-8 cannot be written in JSON otherwise
//   {{ and }}              braces themselves
// The five small services of RFC 862 to 868 are dialogues too, built in, so that every check treats
// them alike.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/address.h"
#include "harness/base/result.h"
#include "harness/base/text.h"
#include "harness/document/document.h"

namespace sockdrill {

enum class LengthForm { decimal, u8, u16be, u32be, u16le, u32le };
/// "decimal", "u8", "u16be" ...
std::string to_string(LengthForm form);
std::optional<LengthForm> form_named(const std::string& word);
/// Those of a fixed width, in an order that stays: "u8", "u16be" ...
const std::vector<std::string>& integer_forms();
Bytes encode_length(std::size_t length, LengthForm form);

struct Part {
  enum class Kind { literal, field, length, any, line, digits };
  Kind kind = Kind::literal;
  Bytes literal;
  std::string field;  ///< of field and length
  LengthForm form = LengthForm::decimal;
  std::optional<std::size_t> count;  ///< of any: exactly so many octets
  bool operator==(const Part&) const = default;
};
using Template = std::vector<Part>;

struct Field {
  std::string name;
  std::size_t min_bytes = 1;
  std::size_t max_bytes = 64;
  Bytes without;              ///< octets that may not occur in it
  bool printable = true;      ///< drawn from 0x21..0x7e; otherwise from all octets
  std::vector<Bytes> one_of;  ///< when given, drawn from these
  bool operator==(const Field&) const = default;
};

struct Exchange {
  Template request;
  Template reply;
  bool then_fin = false;  ///< the server closes after the reply
  std::vector<Field> fields;
  bool operator==(const Exchange&) const = default;
  [[nodiscard]] const Field* field(const std::string& name) const;
};

/// How the octets of a conversation hang together; it decides what "an exchange" is.
enum class Style {
  request_reply,  ///< a request gets its reply
  echo,           ///< whatever is sent comes back, cut anyhow
  sink,           ///< takes everything, never answers (discard): served = taken and read
  source,         ///< streams without being asked (chargen over TCP): served = some octets came
  announce        ///< one reply on connecting, then the server closes (daytime and time over TCP)
};

struct Framing {
  enum class Kind { none, lines, length_prefix };
  Kind kind = Kind::none;
  Bytes terminator;                       ///< of lines
  LengthForm length = LengthForm::u16be;  ///< of length_prefix
  bool operator==(const Framing&) const = default;
};

struct Dialogue {
  std::string name;
  Style style = Style::request_reply;
  Template greeting;                ///< what the server says first, "" for nothing
  std::vector<Exchange> exchanges;  ///< never empty but for sink and source
  Framing framing;
  /// Datagrams: replies come from the server's address, but from a port of their own (TFTP).
  bool replies_from_any_port = false;
  bool operator==(const Dialogue&) const = default;
  /// Its first exchange, by which checks ask, leaves the connection open for others.
  [[nodiscard]] bool is_persistent() const;
};

Result<Template> parse_template(const std::string& text);
std::string to_string(const Template& parts);

/// echo, discard, chargen, daytime, time, line, length-prefixed, for the transport given.
std::optional<Dialogue> built_in_dialogue(const std::string& name, Transport transport);
std::vector<std::string> built_in_dialogue_names();

/// The "speaks" value of a manifest, or a whole dialogue file: {"name", "greeting", "dialogue":
/// [...], "framing"}.
Result<Dialogue> read_dialogue(const Node& node, Transport transport);
Json write_dialogue(const Dialogue& dialogue);

/// The field that a "sized" request makes longer or shorter: the one with the most room, in the
/// first exchange that has it; of a persistent dialogue, in one that leaves the connection open.
struct SizedField {
  std::size_t exchange = 0;
  std::string field;
  std::size_t min_bytes = 0;
  std::size_t max_bytes = 0;
};
std::optional<SizedField> sized_field(const Dialogue& dialogue);

/// The values of a request's fields.
using FieldValues = std::vector<std::pair<std::string, Bytes>>;
/// Draws every field of an exchange; the same seed draws the same values.
FieldValues draw_fields(const Exchange& exchange, std::uint64_t seed);
/// The request's octets.
Bytes render(const Template& parts, const FieldValues& values);

/// How far received octets go towards a reply.
struct ReplyMatch {
  enum class State { needs_more, complete, mismatch };
  State state = State::needs_more;
  std::size_t taken = 0;       ///< complete: the reply's length
  std::size_t differs_at = 0;  ///< mismatch: the first octet that cannot belong to it
  std::string expected;        ///< mismatch, needs_more: what had to come there, for people
};
ReplyMatch match_reply(const Template& reply, const FieldValues& values, std::string_view received);

/// The same of what a client has sent towards a request that keeps to the bounds of its fields.
struct RequestMatch {
  enum class State { needs_more, complete, mismatch };
  State state = State::mismatch;
  std::size_t taken = 0;  ///< complete
  FieldValues values;     ///< complete
};
/// `is_whole`: of a message, which nothing follows.
RequestMatch match_request(const Exchange& exchange, std::string_view sent, bool is_whole);

}  // namespace sockdrill
