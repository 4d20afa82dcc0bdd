#pragma once

// One pass over a value that writes it as octets, or fills it from octets: both directions are the
// same code, so they cannot disagree.
//
// Reading is total: every number is taken modulo its range, what is missing at the end reads as
// zeros, lists end with the octets. Writing can fail, where a value lies outside of the form; the
// first reason is kept.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/text.h"

namespace sockdrill {

class Codec final {
 public:
  static Codec writer() { return Codec({}, false); }
  /// `octets` outlive the codec.
  static Codec reader(std::string_view octets) { return Codec(octets, true); }

  [[nodiscard]] bool reads() const { return reads_; }
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }  ///< of reading
  [[nodiscard]] const Bytes& written() const { return written_; }
  /// Why the value cannot be written; "" when it can.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  void refuse(std::string reason);

  /// LEB128 of value - low; `what` names the number in a refusal.
  template <typename T>
  void number(T& value, std::uint64_t low, std::uint64_t high, const char* what) {
    std::uint64_t wide = static_cast<std::uint64_t>(value);
    pass_number(wide, low, high, what);
    value = static_cast<T>(wide);
  }
  /// The place of the value in a list of all that it can be.
  template <typename T>
  void choice(T& value, const std::vector<T>& all, const char* what) {
    std::size_t index = 0;
    while (!reads_ && index < all.size() && !(all[index] == value)) ++index;
    number(index, 0, all.size() - 1, what);
    if (index < all.size()) value = all[index];
  }
  /// Up to eight truths in one octet, the first one lowest.
  void bits(std::initializer_list<bool*> truths);
  /// A count and so many octets.
  void octets(Bytes& value);
  /// All octets that are left.
  void rest(Bytes& value);
  /// A count, and each item by `pass(item)`. Reading gives at least `low` items, and beyond that no
  /// more than there are octets for.
  template <typename T, typename Pass>
  void items(std::vector<T>& values, std::uint64_t low, std::uint64_t high, const char* what,
             const Pass& pass) {
    std::size_t count = values.size();
    number(count, low, high, what);
    if (!reads_) {
      for (T& value : values) pass(value);
      return;
    }
    values.clear();
    while (values.size() < count && (values.size() < low || !is_at_end())) {
      T value{};
      pass(value);
      values.push_back(std::move(value));
    }
  }

 private:
  Codec(std::string_view octets, bool reads) : reads_(reads), rest_(octets) {}
  void pass_number(std::uint64_t& value, std::uint64_t low, std::uint64_t high, const char* what);
  std::uint8_t take();

  bool reads_;
  std::string_view rest_;
  Bytes written_;
  std::string refusal_;
};

}  // namespace sockdrill
