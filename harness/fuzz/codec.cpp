#include "harness/fuzz/codec.h"

#include <algorithm>

#include <fmt/format.h>

namespace sockdrill {

void Codec::refuse(std::string reason) {
  if (refusal_.empty()) refusal_ = std::move(reason);
}

std::uint8_t Codec::take() {
  if (rest_.empty()) return 0;
  const auto octet = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return octet;
}

void Codec::pass_number(std::uint64_t& value, std::uint64_t low, std::uint64_t high,
                        const char* what) {
  if (reads_) {
    std::uint64_t raw = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t octet = take();
      raw |= static_cast<std::uint64_t>(octet & 0x7fU) << shift;
      if (octet < 0x80) break;
    }
    const std::uint64_t range = high - low + 1;  // 0 stands for 2^64.
    value = low + (range == 0 ? raw : raw % range);
    return;
  }
  if (value < low || value > high)
    return refuse(fmt::format("{}: {} is not between {} and {}", what, value, low, high));
  std::uint64_t raw = value - low;
  for (; raw >= 0x80; raw >>= 7U) written_ += static_cast<char>((raw & 0x7fU) | 0x80U);
  written_ += static_cast<char>(raw);
}

void Codec::bits(std::initializer_list<bool*> truths) {
  std::uint64_t packed = 0;
  std::uint64_t bit = 1;
  for (const bool* truth : truths) {
    if (*truth) packed |= bit;
    bit <<= 1U;
  }
  number(packed, 0, bit - 1, "flags");
  for (bool* truth : truths) {
    *truth = (packed & 1U) != 0;
    packed >>= 1U;
  }
}

void Codec::octets(Bytes& value) {
  std::size_t size = value.size();
  number(size, 0, std::uint64_t{1} << 24U, "octets");
  if (!reads_) {
    written_ += value;
    return;
  }
  value = Bytes(rest_.substr(0, size));
  rest_.remove_prefix(value.size());
}

void Codec::rest(Bytes& value) {
  if (!reads_) {
    written_ += value;
    return;
  }
  value = Bytes(rest_);
  rest_ = {};
}

}  // namespace sockdrill
