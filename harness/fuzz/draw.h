#pragma once

// What mutators draw. The same seed draws the same, everywhere. Internal to fuzz/.

#include <cstdint>
#include <random>
#include <vector>

namespace sockdrill {

class Draw final {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  /// 0 to count - 1; 0 for a count of 0. Not std::uniform_int_distribution, which differs between
  /// libraries.
  std::uint64_t below(std::uint64_t count) { return count == 0 ? 0 : random_() % count; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }
  std::uint64_t seed() { return random_(); }

 private:
  std::mt19937_64 random_;
};

}  // namespace sockdrill
