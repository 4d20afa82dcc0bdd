#pragma once

// A queue of octets: appended at the end, consumed at the front. It stands in pieces of one size,
// which come from a store of the kernel's: a full buffer of some megabytes must not cost fresh
// memory each time.

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "harness/sim/kernel/file.h"

namespace sockdrill::sim {

struct OctetPiece {
  static constexpr std::size_t kSize = 16384;
  std::array<char, kSize> octets;  // not initialized: only what is between start and end counts
  std::size_t start = 0;
  std::size_t end = 0;
};

class OctetStore final {
 public:
  std::unique_ptr<OctetPiece> take();
  void give_back(std::unique_ptr<OctetPiece> piece);

 private:
  static constexpr std::size_t kMostKept = 1024;
  std::vector<std::unique_ptr<OctetPiece>> kept_;
};

class OctetQueue final {
 public:
  /// `store` outlives it.
  explicit OctetQueue(OctetStore& store) : store_(store) {}
  OctetQueue(const OctetQueue&) = delete;
  OctetQueue& operator=(const OctetQueue&) = delete;
  ~OctetQueue() { clear(); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool is_empty() const { return size_ == 0; }

  /// `size` octets out of the buffers, from their octet number `skip` on.
  void append(Buffers buffers, std::size_t skip, std::size_t size);
  /// The first `size` of them go to the end of another one.
  void move_to(OctetQueue& other, std::size_t size);
  void consume(std::size_t size);
  void clear();

  [[nodiscard]] char at(std::size_t offset) const;
  /// Copies octets from number `offset` on into the buffers, from their octet number `skip` on.
  void copy_to(Buffers buffers, std::size_t skip, std::size_t offset, std::size_t size) const;

 private:
  OctetPiece& piece_with_room();
  void drop_first();
  void leave_first();

  OctetStore& store_;
  std::vector<std::unique_ptr<OctetPiece>> pieces_;
  std::size_t first_ = 0;  ///< those before are gone
  std::size_t size_ = 0;
};

}  // namespace sockdrill::sim
