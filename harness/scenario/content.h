#pragma once

// Octets as a value, possibly very many of them, without holding them all in memory.
//
// A Content is a sequence of literal octets and ranges of keyed patterns. The pattern of a key is
// an endless text of 16-octet words `<KKKK:IIIIIIIII>` (four characters of key, nine hexadecimal
// digits of the word's number), so every octet says whose it is and where it belongs: a lost,
// doubled or foreign one is located and attributed at sight.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/document/document.h"

namespace sockdrill {

inline constexpr std::size_t kPatternWord = 16;

/// The four characters that stand for a name in its pattern: the name itself when it fits ("a___"),
/// a hash otherwise.
std::string pattern_key(std::string_view name);
/// `length` octets of the pattern, from `offset`.
Bytes pattern_octets(std::string_view key, std::uint64_t offset, std::size_t length);

struct PatternPlace {
  std::string key;
  std::uint64_t offset = 0;
  bool operator==(const PatternPlace&) const = default;
};
/// Whose pattern these octets are, and from which offset; nothing when there is no whole word among
/// the first 31.
std::optional<PatternPlace> locate_pattern(std::string_view octets);

struct Chunk {
  Bytes literal;             ///< when `key` is empty
  std::string key;           ///< a pattern's
  std::uint64_t offset = 0;  ///< of the pattern
  std::uint64_t length = 0;  ///< of the pattern
  bool operator==(const Chunk&) const = default;
  [[nodiscard]] std::uint64_t size() const { return key.empty() ? literal.size() : length; }
};

class Content final {
 public:
  Content() = default;
  explicit Content(const Bytes& literal) { append(literal); }
  static Content pattern(std::string_view key, std::uint64_t offset, std::uint64_t length);

  void append(std::string_view literal);
  void append_pattern(std::string_view key, std::uint64_t offset, std::uint64_t length);
  void append(const Content& other);
  /// Appends received octets; whatever is a pattern is kept as a range.
  void append_compressed(std::string_view octets);
  /// Drops the first `count` octets (all, when there are fewer).
  void drop_front(std::uint64_t count);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const std::vector<Chunk>& chunks() const { return chunks_; }
  /// The octets from `offset`, at most `length` and at most what there is.
  [[nodiscard]] Bytes copy(std::uint64_t offset, std::size_t length) const;
  [[nodiscard]] Content slice(std::uint64_t offset, std::uint64_t length) const;
  /// Same octets, however they are chunked.
  bool operator==(const Content& other) const;

 private:
  std::vector<Chunk> chunks_;
  std::uint64_t size_ = 0;
};

/// How far two contents are the same, when their first `from` octets are known to be. Ranges of one
/// pattern cost nothing, however long they are.
std::uint64_t agreement(const Content& a, const Content& b, std::uint64_t from);

/// The offset of the first octet in which two contents differ; nothing when one is a prefix of the
/// other.
std::optional<std::uint64_t> first_difference(const Content& a, const Content& b);

/// "70,000 bytes of a's pattern from 0", or the quoted octets.
std::string summary(const Content& content);

/// Compact and lossless: {"text"}, {"hex"} or {"pattern", "from", "bytes"}, or an array of them.
Json write_content(const Content& content);
Result<Content> read_content(const Node& node);

}  // namespace sockdrill
