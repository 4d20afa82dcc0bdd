#include "harness/report/script.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/document/document.h"
#include "harness/report/visible.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostLines = 6;
constexpr std::size_t kScriptWidth = 86;

/// The offset just behind the value that begins at `from`.
std::size_t end_of_value(const std::string& text, std::size_t from) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = from; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth <= 0) return depth < 0 ? at : at + 1;
      continue;
    } else if (c == ',' && depth == 0) {
      return at;
    }
    if (depth == 0 && !in_string && c == '"') return at + 1;
  }
  return text.size();
}

std::string tabless(std::string_view line) {
  std::string shown(line);
  std::replace(shown.begin(), shown.end(), '\t', ' ');
  return visible(shown);
}

}  // namespace

ScriptExcerpt show_script(const std::string& file, const std::string& text,
                          const std::string& pointer, const Paint& paint) {
  const Result<Document> document = parse_document(text, file);
  if (!document) return {.place = file};
  const auto found = document->offsets.find(pointer);
  if (found == document->offsets.end()) return {.place = file};
  const std::size_t begin = found->second;
  const std::size_t end = end_of_value(text, begin);
  const std::size_t line_begin = begin == 0 ? 0 : text.rfind('\n', begin - 1) + 1;  // npos + 1 is 0
  const auto number = static_cast<std::size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n') + 1);

  ScriptExcerpt excerpt{.line = number, .column = begin - line_begin + 1};
  excerpt.place = fmt::format("{}:{}:{}", file, excerpt.line, excerpt.column);
  std::size_t shown = 0;
  for (std::size_t at = line_begin; at < end && at < text.size(); ++shown) {
    const std::size_t line_end = std::min(text.find('\n', at), text.size());
    if (shown == kMostLines) {
      excerpt.lines += fmt::format("{:>9} |     ...\n", "");
      break;
    }
    const std::string line = tabless(std::string_view(text).substr(at, line_end - at));
    excerpt.lines += fmt::format("{:>9} | {}\n", number + shown, shorten(line, kScriptWidth));
    if (at == line_begin) {
      const std::string before = tabless(std::string_view(text).substr(at, begin - at));
      const std::string value =
          tabless(std::string_view(text).substr(begin, std::min(end, line_end) - begin));
      const std::size_t column = std::min(width_of(before), kScriptWidth - 1);
      const std::size_t tail =
          std::min(width_of(value), kScriptWidth - column) - (value.empty() ? 0 : 1);
      excerpt.lines +=
          fmt::format("{:>9} | {:{}}{}\n", "", "", column, paint.bad("^" + std::string(tail, '~')));
    }
    at = line_end + 1;
  }
  return excerpt;
}

}  // namespace sockdrill
