#include "harness/report/visible.h"

#include <utility>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/utf8.h"

namespace sockdrill {

namespace {

unsigned code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  unsigned value = first & (0x7fU >> character.size());
  for (const char c : character.substr(1))
    value = (value << 6U) | (static_cast<unsigned char>(c) & 0x3fU);
  return value;
}

/// What shows nothing itself but changes how the rest is shown: C1 controls (a CSI among them),
/// soft hyphen, zero-width and directional marks, line and paragraph separators, non-characters.
bool is_hidden(unsigned code) {
  return (code >= 0x7f && code <= 0x9f) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code & 0xfffeU) == 0xfffe;
}

std::string show(std::string_view character, bool keeps_lines) {
  const unsigned code = code_point(character);
  if (keeps_lines && (code == '\n' || code == '\t')) return std::string(character);
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  if (code < 0x20 || code == 0x7f) return fmt::format("\\x{:02x}", code);
  if (is_hidden(code)) return fmt::format("\\u{:04x}", code);
  return std::string(character);
}

std::string make_visible(std::string_view text, bool keeps_lines) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0)
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    else
      shown += show(text.substr(at, length), keeps_lines);
    at += length == 0 ? 1 : length;
  }
  return shown;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

/// The first `count` characters.
std::string_view head_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!is_continuation(text[at]) && count-- == 0) break;
  }
  return text.substr(0, at);
}

}  // namespace

std::string visible(std::string_view text) { return make_visible(text, false); }

std::string visible_lines(std::string_view text) { return make_visible(text, true); }

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += is_continuation(c) ? 0 : 1;
  return width;
}

std::string shorten(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  return std::string(head_of(text, width > 2 ? width - 2 : 0)) + "..";
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  const auto end_line = [&] { lines.push_back(std::exchange(line, {})); };
  for (const std::string& whole : split(text, ' ')) {
    std::string_view word = whole;
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) end_line();
    while (width != 0 && width_of(word) > width) {
      line = head_of(word, width);
      word.remove_prefix(line.size());
      end_line();
    }
    line += line.empty() ? "" : " ";
    line += word;
  }
  end_line();
  return lines;
}

void add_wrapped(std::string& out, std::string_view head, std::string_view text,
                 std::size_t width) {
  const std::size_t indent = width_of(head);
  std::string before(head);
  for (const std::string& line : wrap(text, width > indent + 20 ? width - indent : 20)) {
    out += before + line + "\n";
    before.assign(indent, ' ');
  }
}

}  // namespace sockdrill
