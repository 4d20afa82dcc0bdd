#include "harness/fuzz/dictionary.h"

#include <set>

#include <fmt/format.h>

namespace sockdrill {

namespace {

void add_template(std::set<Bytes>& words, const Template& parts) {
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::literal) continue;
    words.insert(part.literal);
    Bytes word;
    for (const char c : part.literal + " ") {
      const bool is_space = c == ' ' || c == '\r' || c == '\n';
      if (is_space && !word.empty()) words.insert(word);
      if (is_space)
        word.clear();
      else
        word += c;
    }
  }
}

/// At the ends of a binary length's range.
void add_lengths(std::set<Bytes>& words, const Template& parts) {
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::length) continue;
    if (part.form == LengthForm::decimal) {
      words.insert({"0", "-1", "4294967295", "4294967296", "18446744073709551616"});
      continue;
    }
    const std::size_t width = encode_length(0, part.form).size();
    words.insert({Bytes(width, '\0'), Bytes(width, '\xff'), '\x7f' + Bytes(width - 1, '\xff')});
  }
}

}  // namespace

std::vector<Bytes> dictionary_of(const Dialogue& dialogue) {
  std::set<Bytes> words{Bytes(1, '\0'), "\n", "\r\n"};
  add_template(words, dialogue.greeting);
  words.insert(dialogue.framing.terminator);
  for (const Exchange& exchange : dialogue.exchanges) {
    add_template(words, exchange.request);
    add_template(words, exchange.reply);
    add_lengths(words, exchange.request);
    for (const Field& field : exchange.fields) {
      words.insert(field.one_of.begin(), field.one_of.end());
      for (const char c : field.without) words.insert(Bytes(1, c));
    }
  }
  words.erase("");
  return {words.begin(), words.end()};
}

std::string write_dictionary(const std::vector<Bytes>& words, std::size_t most) {
  std::string text;
  for (const Bytes& word : words) {
    if (word.size() > most) continue;
    text += '"';
    for (const char c : word) {
      const auto octet = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\')
        text += fmt::format("\\{}", c);
      else if (octet >= 0x20 && octet < 0x7f)
        text += c;
      else
        text += fmt::format("\\x{:02X}", octet);
    }
    text += "\"\n";
  }
  return text;
}

}  // namespace sockdrill
