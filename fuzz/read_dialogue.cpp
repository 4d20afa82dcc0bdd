// Hostile dialogues: no crash, no hang; what is read is written and read again to the same value,
// its requests can be drawn, and a reply without wildcards is recognised, whole and in parts.
//
// The first octet is the transport; the rest is the file.

#include <algorithm>
#include <cstdint>
#include <string>

#include "harness/base/check.h"
#include "harness/fuzz/dictionary.h"
#include "harness/target/dialogue.h"

namespace sockdrill {
namespace {

bool has_wildcard(const Template& parts) {
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) {
    return part.kind == Part::Kind::any || part.kind == Part::Kind::line ||
           part.kind == Part::Kind::digits;
  });
}

void check_exchange(const Exchange& exchange) {
  const FieldValues values = draw_fields(exchange, 7);
  SOCKDRILL_CHECK(values.size() == exchange.fields.size(), "a field was not drawn");
  for (const auto& [name, value] : values) {
    const Field* field = exchange.field(name);
    SOCKDRILL_CHECK(field != nullptr, "a field was drawn that is none");
    const bool fits = value.size() >= field->min_bytes && value.size() <= field->max_bytes;
    SOCKDRILL_CHECK(fits || !field->one_of.empty(), "a field was drawn beyond its bounds");
  }
  static_cast<void>(render(exchange.request, values));
  if (has_wildcard(exchange.reply)) return;
  const Bytes reply = render(exchange.reply, values);
  const ReplyMatch whole = match_reply(exchange.reply, values, reply);
  SOCKDRILL_CHECK(whole.state == ReplyMatch::State::complete && whole.taken == reply.size(),
                  "a reply is not recognised");
  if (reply.empty()) return;
  const ReplyMatch part = match_reply(exchange.reply, values, reply.substr(0, reply.size() - 1));
  SOCKDRILL_CHECK(part.state == ReplyMatch::State::needs_more, "a part of a reply is no beginning");
}

}  // namespace
}  // namespace sockdrill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  if (size == 0) return 0;
  const auto transport = static_cast<Transport>(data[0] % 5);
  const Result<Document> document = parse_document(std::string(data + 1, data + size), "fuzz.json");
  if (!document) return 0;
  const Result<Dialogue> dialogue = read_dialogue(Node(*document), transport);
  if (!dialogue) return 0;
  const Json written = write_dialogue(*dialogue);
  const Result<Document> again = parse_document(written.dump(), "again.json");
  SOCKDRILL_CHECK(again.has_value(), "a written dialogue is not JSON");
  const Result<Dialogue> reread = read_dialogue(Node(*again), transport);
  SOCKDRILL_CHECK(reread.has_value(), "a written dialogue is not one");
  SOCKDRILL_CHECK(*reread == *dialogue, "writing and reading changed a dialogue");
  for (const Exchange& exchange : dialogue->exchanges) check_exchange(exchange);
  SOCKDRILL_CHECK(!write_dictionary(dictionary_of(*dialogue)).empty(), "a dictionary is empty");
  return 0;
}
