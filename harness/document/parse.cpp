// Parsing with positions. The library's SAX interface tells what comes, a counting iterator tells
// where: after an event nothing but white space, ',' and ':' can stand before the next value's
// first octet.

#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/document/document.h"

namespace sockdrill {

namespace {

class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  const char& operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

/// Builds the value tree and the table of offsets. Returning false from an event ends the parse;
/// `problem` says why.
class Builder final {
 public:
  Builder(Document& document, const char** furthest) : document_(document), furthest_(furthest) {}

  std::optional<Error> problem;

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const std::string& /*text*/) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*size*/) { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    const std::size_t at = next_token();
    Level& level = levels_.back();
    if (level.json->contains(name)) {
      problem = document_.error_at_offset(
          at, level.pointer, fmt::format("the key '{}' stands twice in one object", name));
      return false;
    }
    if (level.json->size() >= kMostKeys) {
      problem = document_.error_at_offset(
          at, level.pointer, fmt::format("more than {} keys in one object", kMostKeys));
      return false;
    }
    level.key = name;
    end_ = position();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) {
    // The library's text: "[json.exception.parse_error.101] parse error at line 1, column 2: syntax
    // error while ...".
    std::string what = error.what();
    const std::size_t colon = what.find(": ");
    if (colon != std::string::npos) what = what.substr(colon + 2);
    problem =
        document_.error_at_offset(std::min(position > 0 ? position - 1 : 0, document_.text.size()),
                                  "", "this is not JSON: " + printable(what));
    return false;
  }

 private:
  struct Level {
    Json* json;
    std::string pointer;
    std::string key;
  };

  static std::string printable(const std::string& text) {
    std::string shown;
    for (const char c : text.substr(0, 300)) {
      const auto octet = static_cast<unsigned char>(c);
      shown += octet < 0x20 || octet >= 0x7f ? fmt::format("\\x{:02x}", octet) : std::string(1, c);
    }
    return shown;
  }

  [[nodiscard]] std::size_t position() const {
    return static_cast<std::size_t>(*furthest_ - document_.text.data());
  }

  [[nodiscard]] std::size_t next_token() const {
    const std::size_t at = document_.text.find_first_not_of(" \t\r\n,:", end_);
    return at == std::string::npos ? document_.text.size() : at;
  }

  std::string place_of_next() {
    if (levels_.empty()) return "";
    Level& level = levels_.back();
    if (level.json->is_array()) return fmt::format("{}/{}", level.pointer, level.json->size());
    std::string key = level.key;
    for (std::size_t at = 0; (at = key.find_first_of("~/", at)) != std::string::npos; at += 2)
      key.replace(at, 1, key[at] == '~' ? "~0" : "~1");
    return level.pointer + "/" + key;
  }

  Json* put(Json value) {
    if (levels_.empty()) return &(document_.root = std::move(value));
    Level& level = levels_.back();
    if (level.json->is_array()) return &level.json->emplace_back(std::move(value));
    return &((*level.json)[level.key] = std::move(value));
  }

  bool add(Json value) {
    document_.offsets.emplace(place_of_next(), next_token());
    put(std::move(value));
    end_ = position();
    return true;
  }

  bool open(Json container) {
    const std::string pointer = place_of_next();
    const std::size_t at = next_token();
    if (levels_.size() >= static_cast<std::size_t>(kDeepestNesting)) {
      problem = document_.error_at_offset(
          at, "", fmt::format("nested deeper than {} levels", kDeepestNesting));
      return false;
    }
    document_.offsets.emplace(pointer, at);
    levels_.push_back({put(std::move(container)), pointer, ""});
    end_ = at + 1;
    return true;
  }

  bool close() {
    levels_.pop_back();
    end_ = position();
    return true;
  }

  Document& document_;
  const char** furthest_;
  std::vector<Level> levels_;
  std::size_t end_ =
      0;  ///< just behind the last token seen (or one further, on a delimiter, after a number)
};

}  // namespace

Result<Document> parse_document(std::string text, std::string file) {
  Document document{.file = std::move(file), .text = std::move(text), .root = {}, .offsets = {}};
  if (document.text.size() > kLargestDocument) {
    return fail(
        fmt::format("is too large: {} where {} are the limit",
                    count_of(document.text.size(), "byte"), count_of(kLargestDocument, "byte")),
        document.file);
  }
  const char* begin = document.text.data();
  const char* end = begin + document.text.size();
  const char* furthest = begin;
  Builder builder(document, &furthest);
  const bool is_good = Json::sax_parse(CountingIterator(begin, &furthest),
                                       CountingIterator(end, &furthest), &builder);
  if (builder.problem) return tl::unexpected(*builder.problem);
  if (!is_good) return tl::unexpected(document.error_at_offset(0, "", "this is not JSON"));
  return document;
}

Json parse_values(const std::string& text) {
  constexpr std::size_t kShort = 4096;  // so few keys take no time; counting them would
  if (text.size() <= kShort) return Json::parse(text, nullptr, false);
  std::vector<std::size_t> keys;  // of the objects that are open
  bool are_too_many = false;
  const auto count = [&](int /*depth*/, Json::parse_event_t event, const Json& /*value*/) {
    if (event == Json::parse_event_t::object_start) keys.push_back(0);
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    const bool is_one_more = event == Json::parse_event_t::key && ++keys.back() > kMostKeys;
    are_too_many = are_too_many || is_one_more;
    return !is_one_more;
  };
  Json json = Json::parse(text, count, false);
  return are_too_many ? Json(Json::value_t::discarded) : json;
}

}  // namespace sockdrill
