#pragma once

// Showing bytes and words to people: nothing invisible stays invisible.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockdrill {

/// Octets, not characters. A std::string, because it searches, compares and slices well.
using Bytes = std::string;

/// `"PING\r\n\x00"`: a C-like literal in quotes; at most `limit` octets, the rest counted ("... 512
/// more").
std::string quote(std::string_view bytes, std::size_t limit = 64);

/// "1 byte", "4,096 bytes".
std::string count_of(std::size_t count, std::string_view noun);

/// 1234567 -> "1,234,567".
std::string with_separators(std::size_t number);

/// The candidate that was most probably meant, or "" when none is near (Levenshtein, a third of the
/// length).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// Every `what` in `in` by `by`; an empty `what` is nowhere.
void replace_all(std::string& in, std::string_view what, std::string_view by);

/// Two small digits an octet.
std::string to_hex(std::string_view octets);
/// Pairs of digits, small or capital, and nothing else; nothing when they are not that.
std::optional<Bytes> from_hex(std::string_view digits);

/// "a, b or c".
std::string join_or(const std::vector<std::string>& words);

std::vector<std::string> split(std::string_view text, char separator);

/// Whether a shell-like pattern (`*`, `?`) takes the whole word. `*` crosses slashes.
bool matches_glob(std::string_view pattern, std::string_view word);

/// Splits a command line as a shell would, without expanding anything: quotes and backslashes only.
/// Empty when a quote is not closed.
std::vector<std::string> split_command(std::string_view line);

/// FNV-1a, 64 bits: for keys and names, not for secrets.
std::uint64_t hash_of(std::string_view bytes);

/// One word of a command line that a shell reads back as it is; quoted only where it must be.
std::string quote_for_shell(const std::string& word);

}  // namespace sockdrill
