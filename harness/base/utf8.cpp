#include "harness/base/utf8.h"

namespace sockdrill {

namespace {

unsigned octet_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
}

/// The length that a first octet promises; 0 for octets that can begin nothing (RFC 3629, 4).
std::size_t promised_length(unsigned first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/// The second octet rules out overlong forms, surrogates and what lies beyond U+10FFFF.
bool is_good_second(unsigned first, unsigned second) {
  if (first == 0xe0) return second >= 0xa0 && second <= 0xbf;
  if (first == 0xed) return second >= 0x80 && second <= 0x9f;
  if (first == 0xf0) return second >= 0x90 && second <= 0xbf;
  if (first == 0xf4) return second >= 0x80 && second <= 0x8f;
  return second >= 0x80 && second <= 0xbf;
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const unsigned first = octet_at(text, at);
  const std::size_t length = promised_length(first);
  if (length < 2) return length;
  if (!is_good_second(first, octet_at(text, at + 1))) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((octet_at(text, at + i) & 0xc0U) != 0x80U) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace sockdrill
