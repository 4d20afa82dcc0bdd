#include "harness/document/document.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/base/utf8.h"

namespace sockdrill {

namespace {

std::string escape_pointer(const std::string& key) {
  std::string escaped;
  for (const char c : key) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return escaped;
}

/// Long or tabbed lines are cut around the column, so that the caret stands where it should on any
/// terminal.
std::string show_line(std::string_view line, std::size_t column) {
  constexpr std::size_t kWidth = 100;
  const std::size_t begin = column > kWidth - 20 ? column - (kWidth - 20) : 0;
  // A terminal gets no octet that is no character.
  const bool is_text = is_utf8(line);
  std::string shown;
  for (const char c : line.substr(begin, kWidth)) {
    const auto octet = static_cast<unsigned char>(c);
    const bool is_printed = octet >= 0x20 && octet != 0x7f && (octet < 0x80 || is_text);
    shown += c == '\t' ? ' ' : is_printed ? c : '?';
  }
  std::string caret;
  for (const char c : shown.substr(0, std::min(column - begin, shown.size()))) {
    if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U)
      caret += ' ';  // one space a UTF-8 character
  }
  return fmt::format("\n    {}\n    {}^", shown, caret);
}

}  // namespace

Error Document::error_at(const std::string& pointer, const std::string& message) const {
  const auto found = offsets.find(pointer);
  return error_at_offset(found == offsets.end() ? 0 : found->second, pointer, message);
}

Error Document::error_at_offset(std::size_t offset, const std::string& pointer,
                                const std::string& message) const {
  const std::string_view before = std::string_view(text).substr(0, offset);
  const std::size_t line_number =
      static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t line_begin =
      before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const std::string_view line =
      std::string_view(text).substr(line_begin, text.find('\n', offset) - line_begin);
  const std::string at = pointer.empty() ? "" : fmt::format(" (at {})", pointer);
  return Error{message + at + show_line(line, offset - line_begin),
               fmt::format("{}:{}:{}", file, line_number, offset - line_begin + 1)};
}

Result<Document> read_document(const std::string& path) {
  SysResult<std::string> text = read_file(path, kLargestDocument);
  if (text) return parse_document(std::move(*text), path);
  if (text.error() == Errno{EISDIR}) return fail("is a folder, expected a JSON file", path);
  if (text.error() == Errno{EFBIG}) {
    std::error_code ignored;
    return fail(fmt::format("is too large: {} where {} are the limit",
                            count_of(std::filesystem::file_size(path, ignored), "byte"),
                            count_of(kLargestDocument, "byte")),
                path);
  }
  return fail(fmt::format("cannot be read: {}", describe(text.error())), path);
}

std::string describe(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return json.empty() ? "an empty object" : "an object";
    case Json::value_t::array:
      return json.empty() ? "an empty array" : "an array";
    case Json::value_t::string:
      return fmt::format("the string {}", quote(json.get_ref<const std::string&>(), 40));
    case Json::value_t::boolean:
      return json.get<bool>() ? "true" : "false";
    default:
      return fmt::format("the number {}", json.dump());
  }
}

Error Node::expected(const std::string& what) const {
  return error(fmt::format("expected {}, found {}", what, describe(*json_)));
}

Node Node::at(const std::string& key) const {
  return {*document_, json_->at(key), pointer_ + "/" + escape_pointer(key)};
}

Result<Node> Node::required(const std::string& key) const {
  if (!is_object()) return tl::unexpected(expected("an object"));
  if (!has(key)) return tl::unexpected(error(fmt::format("the key '{}' is missing", key)));
  return at(key);
}

std::vector<Node> Node::items() const {
  std::vector<Node> nodes;
  for (std::size_t i = 0; i < json_->size(); ++i)
    nodes.emplace_back(*document_, (*json_)[i], fmt::format("{}/{}", pointer_, i));
  return nodes;
}

std::vector<std::pair<std::string, Node>> Node::members() const {
  std::vector<std::pair<std::string, Node>> nodes;
  for (const auto& [key, value] : json_->items()) nodes.emplace_back(key, at(key));
  return nodes;
}

Result<std::string> Node::as_string() const {
  if (!is_string()) return tl::unexpected(expected("a string"));
  return json_->get<std::string>();
}

Result<bool> Node::as_bool() const {
  if (!is_bool()) return tl::unexpected(expected("true or false"));
  return json_->get<bool>();
}

Result<std::int64_t> Node::as_integer(std::int64_t low, std::int64_t high) const {
  const bool is_huge = json_->is_number_unsigned() &&
                       json_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (!json_->is_number_integer() || is_huge || json_->get<std::int64_t>() < low ||
      json_->get<std::int64_t>() > high) {
    return tl::unexpected(expected(fmt::format("a whole number from {} to {}", low, high)));
  }
  return json_->get<std::int64_t>();
}

Result<std::uint64_t> Node::as_unsigned() const {
  if (!json_->is_number_unsigned()) return tl::unexpected(expected("a whole number, not below 0"));
  return json_->get<std::uint64_t>();
}

Result<std::string> Node::as_word(const std::vector<std::string>& words) const {
  if (!is_string()) return tl::unexpected(expected(join_or(words)));
  const auto word = json_->get<std::string>();
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  return tl::unexpected(error(fmt::format("expected {}, found {}{}", join_or(words),
                                          quote(word, 40), did_you_mean(word, words))));
}

Result<std::vector<std::string>> Node::as_strings() const {
  if (is_string()) return std::vector<std::string>{json_->get<std::string>()};
  if (!is_array()) return tl::unexpected(expected("a string or an array of strings"));
  std::vector<std::string> strings;
  for (const Node& item : items()) strings.push_back(TRY(item.as_string()));
  return strings;
}

Result<void> Node::allow_only(const std::vector<std::string>& keys) const {
  if (!is_object()) return tl::unexpected(expected("an object"));
  for (const auto& [key, node] : members()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    return tl::unexpected(node.error(fmt::format("unknown key '{}': expected {}{}", key,
                                                 join_or(keys), did_you_mean(key, keys))));
  }
  return {};
}

}  // namespace sockdrill
