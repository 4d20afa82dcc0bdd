#include "harness/base/text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace sockdrill {

namespace {

std::string escape(char octet) {
  switch (octet) {
    case '\r':
      return "\\r";
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  const auto value = static_cast<unsigned char>(octet);
  if (value < 0x20 || value >= 0x7f) return fmt::format("\\x{:02x}", value);
  return std::string(1, octet);
}

/// Insertions, deletions, replacements and swaps of neighbours (the usual slips of the finger) cost
/// one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string quote(std::string_view bytes, std::size_t limit) {
  std::string text = "\"";
  for (const char octet : bytes.substr(0, limit)) text += escape(octet);
  text += '"';
  if (bytes.size() > limit)
    text += fmt::format(" ... {} more", with_separators(bytes.size() - limit));
  return text;
}

std::string with_separators(std::size_t number) {
  std::string digits = fmt::format("{}", number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string count_of(std::size_t count, std::string_view noun) {
  const bool is_sibilant = noun.ends_with("s") || noun.ends_with("x") || noun.ends_with("ch");
  return fmt::format("{} {}{}", with_separators(count), noun,
                     count == 1    ? ""
                     : is_sibilant ? "es"
                                   : "s");
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() < 2) return "";  // every other letter is as near
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  if (!best.empty()) return best;
  // A forgotten or an added tail ("half-close" for "half-close/reply-in-full") is far, but meant.
  for (const std::string& candidate : candidates) {
    if (word.size() >= 3 && candidate.find(word) != std::string::npos) return candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string meant = nearest(word, candidates);
  return meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant);
}

void replace_all(std::string& in, std::string_view what, std::string_view by) {
  if (what.empty()) return;
  for (std::size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += by.size())
    in.replace(at, what.size(), by);
}

std::string to_hex(std::string_view octets) {
  std::string hex;
  hex.reserve(octets.size() * 2);
  for (const char c : octets) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::optional<Bytes> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  Bytes octets;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    unsigned char octet = 0;
    const char* const end = digits.data() + at + 2;
    if (std::from_chars(digits.data() + at, end, octet, 16).ptr != end) return std::nullopt;
    octets += static_cast<char>(octet);
  }
  return octets;
}

std::string join_or(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool matches_glob(std::string_view pattern, std::string_view word) {
  std::size_t p = 0;
  std::size_t w = 0;
  std::optional<std::size_t> star;
  std::size_t star_word = 0;
  while (w < word.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_word = w;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == word[w])) {
      ++p;
      ++w;
    } else if (star) {
      p = *star + 1;
      w = ++star_word;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> split_command(std::string_view line) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quoted_by = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted_by != 0) {
      if (c == quoted_by) {
        quoted_by = 0;
      } else if (c == '\\' && quoted_by == '"' && i + 1 < line.size() &&
                 (line[i + 1] == '"' || line[i + 1] == '\\')) {
        *word += line[++i];
      } else {
        *word += c;
      }
    } else if (c == '\'' || c == '"') {
      quoted_by = c;
      if (!word) word.emplace();
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (word) words.push_back(*std::exchange(word, std::nullopt));
    } else {
      if (!word) word.emplace();
      *word += c == '\\' && i + 1 < line.size() ? line[++i] : c;
    }
  }
  if (quoted_by != 0) return {};
  if (word) words.push_back(*word);
  return words;
}

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char octet : bytes) hash = (hash ^ static_cast<unsigned char>(octet)) * 0x100000001b3U;
  return hash;
}

std::string quote_for_shell(const std::string& word) {
  const bool is_plain =
      word.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,") ==
      std::string::npos;
  if (!word.empty() && is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace sockdrill
