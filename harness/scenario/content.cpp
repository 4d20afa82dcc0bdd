#include "harness/scenario/content.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "harness/base/check.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kKeyLength = 4;
constexpr std::size_t kShortestRange =
    3 * kPatternWord;  // shorter ones cost more as a range than as octets

/// `<KKKK:IIIIIIIII>`. By hand, because every octet of a long stream passes through here.
void put_word(char* out, std::string_view key, std::uint64_t index) {
  out[0] = '<';
  for (std::size_t i = 0; i < kKeyLength; ++i) out[1 + i] = i < key.size() ? key[i] : '_';
  out[5] = ':';
  for (std::size_t i = 14; i > 5; --i, index >>= 4U) out[i] = kDigits[index & 0xfU];
  out[15] = '>';
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

/// Whether a whole pattern word stands here.
bool is_word(std::string_view octets) {
  if (octets.size() < kPatternWord || octets[0] != '<' || octets[5] != ':' || octets[15] != '>')
    return false;
  const auto is_key = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  };
  return std::all_of(octets.begin() + 1, octets.begin() + 5, is_key) &&
         std::all_of(octets.begin() + 6, octets.begin() + 15, is_hex);
}

/// How many octets of `received`, from the front, are the pattern of `place`.
std::size_t pattern_prefix(std::string_view received, const PatternPlace& place) {
  constexpr std::size_t kWindow = 64 * kPatternWord;
  std::size_t good = 0;
  while (good < received.size()) {
    const std::size_t length = std::min(kWindow, received.size() - good);
    const Bytes expected = pattern_octets(place.key, place.offset + good, length);
    const auto differs = std::mismatch(expected.begin(), expected.end(),
                                       received.begin() + static_cast<std::ptrdiff_t>(good));
    good += static_cast<std::size_t>(differs.first - expected.begin());
    if (differs.first != expected.end()) break;
  }
  return good;
}

}  // namespace

std::string pattern_key(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= kKeyLength &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return std::isalnum(static_cast<unsigned char>(c)) != 0;
                    });
  if (fits) return fmt::format("{:_<4}", name);
  std::uint64_t hash = hash_of(name);
  std::string key;
  for (std::size_t i = 0; i < kKeyLength; ++i, hash /= kDigits.size())
    key += kDigits[hash % kDigits.size()];
  return key;
}

Bytes pattern_octets(std::string_view key, std::uint64_t offset, std::size_t length) {
  const std::size_t skipped = offset % kPatternWord;
  Bytes octets((skipped + length + kPatternWord - 1) / kPatternWord * kPatternWord, '\0');
  for (std::size_t at = 0; at < octets.size(); at += kPatternWord)
    put_word(octets.data() + at, key, offset / kPatternWord + at / kPatternWord);
  octets.erase(0, skipped);
  octets.resize(length);
  return octets;
}

std::optional<PatternPlace> locate_pattern(std::string_view octets) {
  for (std::size_t at = 0; at < kPatternWord && at + kPatternWord <= octets.size(); ++at) {
    if (!is_word(octets.substr(at))) continue;
    const std::uint64_t index = std::stoull(std::string(octets.substr(at + 6, 9)), nullptr, 16);
    if (index == 0 && at > 0) continue;  // octets before the pattern's beginning are no pattern
    return PatternPlace{.key = std::string(octets.substr(at + 1, kKeyLength)),
                        .offset = index * kPatternWord - at};
  }
  return std::nullopt;
}

Content Content::pattern(std::string_view key, std::uint64_t offset, std::uint64_t length) {
  Content content;
  content.append_pattern(key, offset, length);
  return content;
}

void Content::append(std::string_view literal) {
  if (literal.empty()) return;
  if (chunks_.empty() || !chunks_.back().key.empty()) chunks_.push_back(Chunk{});
  chunks_.back().literal += literal;
  size_ += literal.size();
}

void Content::append_pattern(std::string_view key, std::uint64_t offset, std::uint64_t length) {
  if (length == 0) return;
  const bool continues = !chunks_.empty() && chunks_.back().key == key &&
                         chunks_.back().offset + chunks_.back().length == offset;
  if (continues) {
    chunks_.back().length += length;
  } else {
    chunks_.push_back(Chunk{.key = std::string(key), .offset = offset, .length = length});
  }
  size_ += length;
}

void Content::append(const Content& other) {
  for (const Chunk& chunk : other.chunks_) {
    if (chunk.key.empty())
      append(chunk.literal);
    else
      append_pattern(chunk.key, chunk.offset, chunk.length);
  }
}

void Content::append_compressed(std::string_view octets) {
  while (!octets.empty()) {
    // A chunk that carries on the range before it needs no whole word to be recognised.
    std::optional<PatternPlace> place;
    if (!chunks_.empty() && !chunks_.back().key.empty()) {
      const Chunk& last = chunks_.back();
      const PatternPlace next{.key = last.key, .offset = last.offset + last.length};
      const std::size_t good = pattern_prefix(octets, next);
      append_pattern(next.key, next.offset, good);
      octets.remove_prefix(good);
      if (octets.empty()) return;
    }
    place = locate_pattern(octets);
    const std::size_t good = place ? pattern_prefix(octets, *place) : 0;
    if (place && good >= kShortestRange) {
      append_pattern(place->key, place->offset, good);
      octets.remove_prefix(good);
      continue;
    }
    const std::size_t next_word = octets.find('<', 1);
    const std::size_t taken = std::min(octets.size(), next_word);
    append(octets.substr(0, taken));
    octets.remove_prefix(taken);
  }
}

void Content::drop_front(std::uint64_t count) {
  *this = count >= size_ ? Content{} : slice(count, size_ - count);
}

Bytes Content::copy(std::uint64_t offset, std::size_t length) const {
  Bytes octets;
  octets.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length, size())));
  for (const Chunk& chunk : chunks_) {
    if (octets.size() == length) break;
    if (offset >= chunk.size()) {
      offset -= chunk.size();
      continue;
    }
    const auto here = static_cast<std::size_t>(
        std::min<std::uint64_t>(chunk.size() - offset, length - octets.size()));
    if (chunk.key.empty())
      octets.append(chunk.literal, static_cast<std::size_t>(offset), here);
    else
      octets += pattern_octets(chunk.key, chunk.offset + offset, here);
    offset = 0;
  }
  return octets;
}

Content Content::slice(std::uint64_t offset, std::uint64_t length) const {
  Content part;
  for (const Chunk& chunk : chunks_) {
    if (length == 0) break;
    if (offset >= chunk.size()) {
      offset -= chunk.size();
      continue;
    }
    const std::uint64_t here = std::min(chunk.size() - offset, length);
    if (chunk.key.empty())
      part.append(std::string_view(chunk.literal)
                      .substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(here)));
    else
      part.append_pattern(chunk.key, chunk.offset + offset, here);
    offset = 0;
    length -= here;
  }
  return part;
}

bool Content::operator==(const Content& other) const {
  return size_ == other.size_ && !first_difference(*this, other);
}

namespace {

/// A place in a content, which only moves on.
class Cursor final {
 public:
  Cursor(const Content& content, std::uint64_t offset) : chunks_(content.chunks()) { skip(offset); }

  [[nodiscard]] bool is_at_end() const { return index_ == chunks_.size(); }
  /// How many octets there are in one piece.
  [[nodiscard]] std::uint64_t left() const { return chunks_[index_].size() - within_; }
  /// Whether both stand at the same octet of the same pattern.
  [[nodiscard]] bool is_alike(const Cursor& other) const {
    const Chunk& a = chunks_[index_];
    const Chunk& b = other.chunks_[other.index_];
    return !a.key.empty() && a.key == b.key && a.offset + within_ == b.offset + other.within_;
  }
  [[nodiscard]] Bytes octets(std::size_t length) const {
    const Chunk& chunk = chunks_[index_];
    return chunk.key.empty() ? chunk.literal.substr(static_cast<std::size_t>(within_), length)
                             : pattern_octets(chunk.key, chunk.offset + within_, length);
  }
  void skip(std::uint64_t count) {
    within_ += count;
    while (index_ < chunks_.size() && within_ >= chunks_[index_].size())
      within_ -= chunks_[index_++].size();
  }

 private:
  const std::vector<Chunk>& chunks_;
  std::size_t index_ = 0;
  std::uint64_t within_ = 0;
};

}  // namespace

std::uint64_t agreement(const Content& a, const Content& b, std::uint64_t from) {
  constexpr std::uint64_t kWindow = 65536;
  Cursor left(a, from);
  Cursor right(b, from);
  std::uint64_t at = std::min({from, a.size(), b.size()});
  while (!left.is_at_end() && !right.is_at_end()) {
    std::uint64_t length = std::min(left.left(), right.left());
    if (!left.is_alike(right)) {  // the same range need not be rendered
      length = std::min(length, kWindow);
      const Bytes ours = left.octets(static_cast<std::size_t>(length));
      const Bytes theirs = right.octets(static_cast<std::size_t>(length));
      const auto differs = std::mismatch(ours.begin(), ours.end(), theirs.begin());
      if (differs.first != ours.end())
        return at + static_cast<std::uint64_t>(differs.first - ours.begin());
    }
    at += length;
    left.skip(length);
    right.skip(length);
  }
  return at;
}

std::optional<std::uint64_t> first_difference(const Content& a, const Content& b) {
  const std::uint64_t same = agreement(a, b, 0);
  if (same == std::min(a.size(), b.size())) return std::nullopt;
  return same;
}

std::string summary(const Content& content) {
  if (content.empty()) return "nothing";
  std::string text;
  std::size_t shown = 0;
  for (const Chunk& chunk : content.chunks()) {
    if (shown++ == 4) return text + fmt::format(" + {} more parts", content.chunks().size() - 4);
    if (!text.empty()) text += " + ";
    text += chunk.key.empty()
                ? quote(chunk.literal, 48)
                : fmt::format("{} of pattern {} from {}",
                              count_of(static_cast<std::size_t>(chunk.length), "byte"), chunk.key,
                              with_separators(static_cast<std::size_t>(chunk.offset)));
  }
  return text;
}

namespace {

bool is_plain_text(const Bytes& octets) {
  return std::all_of(octets.begin(), octets.end(), [](char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t';
  });
}

Json write_chunk(const Chunk& chunk) {
  if (!chunk.key.empty())
    return {{"pattern", chunk.key}, {"from", chunk.offset}, {"bytes", chunk.length}};
  if (is_plain_text(chunk.literal)) return {{"text", chunk.literal}};
  return {{"hex", to_hex(chunk.literal)}};
}

Result<void> read_chunk(const Node& node, Content& content) {
  TRY_VOID(node.allow_only({"text", "hex", "pattern", "from", "bytes"}));
  if (node.has("text")) {
    content.append(TRY(node.at("text").as_string()));
  } else if (node.has("hex")) {
    const std::optional<Bytes> octets = from_hex(TRY(node.at("hex").as_string()));
    if (!octets) return tl::unexpected(node.at("hex").expected("pairs of hexadecimal digits"));
    content.append(*octets);
  } else {
    const std::string key = TRY(TRY(node.required("pattern")).as_string());
    const auto from = static_cast<std::uint64_t>(
        TRY(TRY(node.required("from")).as_integer(0, std::int64_t{1} << 40)));
    content.append_pattern(key, from,
                           static_cast<std::uint64_t>(TRY(
                               TRY(node.required("bytes")).as_integer(0, std::int64_t{1} << 40))));
  }
  return {};
}

}  // namespace

Json write_content(const Content& content) {
  Json chunks = Json::array();
  for (const Chunk& chunk : content.chunks()) chunks.push_back(write_chunk(chunk));
  return chunks;
}

Result<Content> read_content(const Node& node) {
  if (!node.is_array())
    return tl::unexpected(node.expected("an array of octets: text, hex or pattern ranges"));
  Content content;
  for (const Node& item : node.items()) TRY_VOID(read_chunk(item, content));
  return content;
}

}  // namespace sockdrill
