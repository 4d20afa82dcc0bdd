#pragma once

// Telling UTF-8 text from octets that only look like it. What servers print is not always text.

#include <cstddef>
#include <string_view>

namespace sockdrill {

/// The length (1 to 4) of the well-formed UTF-8 character that stands at `at`; 0 when there is
/// none: a stray or missing continuation, an overlong form, a surrogate, beyond U+10FFFF, the end.
std::size_t utf8_length(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

}  // namespace sockdrill
