#include "harness/fuzzer/own_heap.h"

#include <cstring>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

/// One for all: its memory is never given back to the system.
OwnHeap& heap() {
  static OwnHeap* const made = [] {
    auto* heap = new OwnHeap;
    heap->begin();
    return heap;
  }();
  return *made;
}

TEST(OwnHeap, HasNothingAndHoldsNothingUntilItBegins) {
  const auto heap = std::make_unique<OwnHeap>();
  EXPECT_EQ(heap->take(16), nullptr);
  EXPECT_FALSE(heap->holds(heap.get()));
  EXPECT_FALSE(heap->holds(nullptr));
  EXPECT_FALSE(heap->holds(reinterpret_cast<void*>(0x1000)));
}

TEST(OwnHeap, BlocksAreAlignedAndApartAndAsLargeAsAskedFor) {
  std::map<char*, std::size_t> blocks;
  std::vector<std::size_t> sizes{0, 1, 15, 16, 17, 1023, 1024, 1025, 2048, 2049, 65536, 65537};
  sizes.push_back(OwnHeap::kLargest - 1);
  sizes.push_back(OwnHeap::kLargest);
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : sizes) {
      auto* const block = static_cast<char*>(heap().take(size));
      ASSERT_NE(block, nullptr) << size;
      EXPECT_TRUE(heap().holds(block)) << size;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0U) << size;
      EXPECT_GE(heap().room_of(block), size);
      std::memset(block, 'x', heap().room_of(block));
      blocks[block] = heap().room_of(block);
    }
  }
  ASSERT_EQ(blocks.size(), 3 * sizes.size());
  const char* end = nullptr;
  for (const auto& [block, room] : blocks) {
    EXPECT_GE(block, end);
    end = block + room;
  }
  for (const auto& [block, room] : blocks) heap().give_back(block);
}

TEST(OwnHeap, WhatComesBackIsTheNextOfItsSizeAndOfNoOther) {
  void* const block = heap().take(100);
  heap().give_back(block);
  void* const other = heap().take(200);
  EXPECT_NE(other, block);
  EXPECT_EQ(heap().take(97), block);  // both are blocks of 112 octets
  heap().give_back(block);
  heap().give_back(other);
}

TEST(OwnHeap, WhatIsTooLargeIsNotHadOfIt) {
  EXPECT_EQ(heap().take(OwnHeap::kLargest + 1), nullptr);
  EXPECT_EQ(heap().take(SIZE_MAX), nullptr);
}

TEST(OwnHeap, AnotherThreadIsNotServedAndChangesNothing) {
  own_heap.begin();
  void* const block = heap().take(300);
  void* served = block;
  std::thread([&] {
    served = take_if_ours(300);
    heap().give_back(block);
  }).join();
  EXPECT_EQ(served, nullptr);
  EXPECT_NE(take_if_ours(300), nullptr);
  void* const next = heap().take(300);
  EXPECT_NE(next, block);
  heap().give_back(next);
  heap().give_back(block);
}

}  // namespace
}  // namespace sockdrill
