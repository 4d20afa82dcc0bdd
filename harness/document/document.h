#pragma once

// JSON files that know where each of their values stands, so that an error can point at it.
//
// A Document owns the text and the values; a Node is a borrowed view of one value in it and must
// not outlive it. Reading refuses, with a message for people: files over 4 MiB, nesting deeper than
// 64, objects of more than 256 keys, duplicate keys, text that is not JSON or not UTF-8. Nothing
// here knows what a scenario or a target is.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/base/result.h"

namespace sockdrill {

using Json = nlohmann::ordered_json;

inline constexpr std::size_t kLargestDocument = std::size_t{4} << 20;
inline constexpr int kDeepestNesting = 64;
/// Of one object: a key is looked for among them all.
inline constexpr std::size_t kMostKeys = 256;

struct Document {
  std::string file;  ///< as the user named it; "<text>" for literals
  std::string text;
  Json root;
  std::map<std::string, std::size_t>
      offsets;  ///< JSON pointer -> offset of the value's first octet in `text`

  /// An error at the value of `pointer`: `file:line:column`, the message, the pointer, the line and
  /// a caret.
  [[nodiscard]] Error error_at(const std::string& pointer, const std::string& message) const;
  [[nodiscard]] Error error_at_offset(std::size_t offset, const std::string& pointer,
                                      const std::string& message) const;
};

Result<Document> parse_document(std::string text, std::string file);
/// The values alone, several times faster, of any size and depth; discarded (Json::is_discarded())
/// when it is no JSON, or a text of more than 4 KiB has too many keys in one object.
Json parse_values(const std::string& text);
Result<Document> read_document(const std::string& path);

class Node final {
 public:
  explicit Node(const Document& document) : Node(document, document.root, "") {}
  Node(const Document& document, const Json& json, std::string pointer)
      : document_(&document), json_(&json), pointer_(std::move(pointer)) {}

  [[nodiscard]] const Json& json() const { return *json_; }
  [[nodiscard]] const std::string& pointer() const { return pointer_; }
  [[nodiscard]] const Document& document() const { return *document_; }
  [[nodiscard]] bool is_object() const { return json_->is_object(); }
  [[nodiscard]] bool is_array() const { return json_->is_array(); }
  [[nodiscard]] bool is_string() const { return json_->is_string(); }
  [[nodiscard]] bool is_number() const { return json_->is_number(); }
  [[nodiscard]] bool is_bool() const { return json_->is_boolean(); }
  [[nodiscard]] bool has(const std::string& key) const {
    return json_->is_object() && json_->contains(key);
  }

  /// "expected EXPECTED, found ..." at this value.
  [[nodiscard]] Error expected(const std::string& what) const;
  [[nodiscard]] Error error(const std::string& message) const {
    return document_->error_at(pointer_, message);
  }

  /// The member; the caller has asked has().
  [[nodiscard]] Node at(const std::string& key) const;
  [[nodiscard]] Result<Node> required(const std::string& key) const;
  [[nodiscard]] std::vector<Node> items() const;  ///< of an array
  [[nodiscard]] std::vector<std::pair<std::string, Node>> members()
      const;  ///< of an object, in the file's order

  [[nodiscard]] Result<std::string> as_string() const;
  [[nodiscard]] Result<bool> as_bool() const;
  /// A whole number of this range.
  [[nodiscard]] Result<std::int64_t> as_integer(std::int64_t low, std::int64_t high) const;
  /// A whole number, not below 0.
  [[nodiscard]] Result<std::uint64_t> as_unsigned() const;
  /// A string out of these words; the error lists them, with did-you-mean.
  [[nodiscard]] Result<std::string> as_word(const std::vector<std::string>& words) const;
  /// A string, or an array of strings.
  [[nodiscard]] Result<std::vector<std::string>> as_strings() const;

  /// An object with no other members than these; the error names the first stranger, with
  /// did-you-mean.
  [[nodiscard]] Result<void> allow_only(const std::vector<std::string>& keys) const;

 private:
  const Document* document_;
  const Json* json_;
  std::string pointer_;
};

/// Says what a value is in a few words: `the string "abc"`, `the number 7`, `an object`.
std::string describe(const Json& json);

/// A JSON Schema (draft 7), taken in once by a validation library. May be shared by threads.
class Schema final {
 public:
  /// `text` is a schema of ours: a bad one is a bug.
  explicit Schema(const std::string& text);
  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  /// The error points at the deepest value that the schema refuses.
  [[nodiscard]] Result<void> validate(const Document& document) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace sockdrill
