#include "harness/sim/kernel/octets.h"

#include <algorithm>

#include "harness/base/check.h"

namespace sockdrill::sim {

std::unique_ptr<OctetPiece> OctetStore::take() {
  if (kept_.empty()) return std::unique_ptr<OctetPiece>(new OctetPiece);
  std::unique_ptr<OctetPiece> piece = std::move(kept_.back());
  kept_.pop_back();
  piece->start = piece->end = 0;
  return piece;
}

void OctetStore::give_back(std::unique_ptr<OctetPiece> piece) {
  if (kept_.size() < kMostKept) kept_.push_back(std::move(piece));
}

OctetPiece& OctetQueue::piece_with_room() {
  if (first_ == pieces_.size() || pieces_.back()->end == OctetPiece::kSize)
    pieces_.push_back(store_.take());
  return *pieces_.back();
}

void OctetQueue::append(Buffers buffers, std::size_t skip, std::size_t size) {
  size_ += size;
  while (size > 0) {
    OctetPiece& piece = piece_with_room();
    const std::size_t part = std::min(size, OctetPiece::kSize - piece.end);
    gather(buffers, skip, piece.octets.data() + piece.end, part);
    piece.end += part;
    skip += part;
    size -= part;
  }
}

void OctetQueue::drop_first() {
  store_.give_back(std::move(pieces_[first_]));
  leave_first();
}

void OctetQueue::leave_first() {
  ++first_;
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
  } else if (first_ >= 64 && first_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OctetQueue::move_to(OctetQueue& other, std::size_t size) {
  SOCKDRILL_CHECK(size <= size_, "no more than there is");
  while (size > 0) {
    OctetPiece& piece = *pieces_[first_];
    const std::size_t part = std::min(size, piece.end - piece.start);
    if (part == piece.end - piece.start && part == OctetPiece::kSize) {
      // A whole piece changes hands.
      other.pieces_.push_back(std::move(pieces_[first_]));
      other.size_ += part;
      leave_first();
    } else {
      const iovec octets{.iov_base = piece.octets.data() + piece.start, .iov_len = part};
      other.append(Buffers(&octets, 1), 0, part);
      piece.start += part;
      if (piece.start == piece.end) drop_first();
    }
    size_ -= part;
    size -= part;
  }
}

void OctetQueue::consume(std::size_t size) {
  SOCKDRILL_CHECK(size <= size_, "no more than there is");
  size_ -= size;
  while (size > 0) {
    OctetPiece& piece = *pieces_[first_];
    const std::size_t part = std::min(size, piece.end - piece.start);
    piece.start += part;
    size -= part;
    if (piece.start == piece.end) drop_first();
  }
}

void OctetQueue::clear() {
  while (first_ < pieces_.size()) drop_first();
  size_ = 0;
}

char OctetQueue::at(std::size_t offset) const {
  char octet = 0;
  const iovec part{.iov_base = &octet, .iov_len = 1};
  copy_to(Buffers(&part, 1), 0, offset, 1);
  return octet;
}

void OctetQueue::copy_to(Buffers buffers, std::size_t skip, std::size_t offset,
                         std::size_t size) const {
  for (std::size_t index = first_; size > 0; ++index) {
    const OctetPiece& piece = *pieces_[index];
    const std::size_t there = piece.end - piece.start;
    if (offset >= there) {
      offset -= there;
      continue;
    }
    const std::size_t part = std::min(size, there - offset);
    scatter(buffers, skip, piece.octets.data() + piece.start + offset, part);
    skip += part;
    size -= part;
    offset = 0;
  }
}

}  // namespace sockdrill::sim
