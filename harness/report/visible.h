#pragma once

// Text that came from outside, made fit to be shown: nothing in it can move a terminal's cursor,
// hide itself or break a report's format. Internal to report/.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sockdrill {

/// One line: controls, directional marks and octets that are no UTF-8 become `\n`, `\x1b`,
/// `\u202e`; everything else stays.
std::string visible(std::string_view text);

/// As many lines as there are; line ends and tabs stay what they are.
std::string visible_lines(std::string_view text);

/// Characters, not octets. (Wide characters count as one.)
std::size_t width_of(std::string_view text);

/// At most `width` characters, ".." at the end when some had to go.
std::string shorten(std::string_view text, std::size_t width);

/// Breaks at spaces into lines of at most `width`, and words that are longer anywhere.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// Adds `text` in lines of at most `width`, the first behind `head`, the others below its end.
void add_wrapped(std::string& out, std::string_view head, std::string_view text,
                 std::size_t width = 96);

}  // namespace sockdrill
