#include "harness/fuzzer/own_heap.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>

namespace sockdrill {

constinit OwnHeap own_heap;

void keep_common_heap() {
  // What a long-lived process comes to by itself with large blocks (mallopt(3), M_MMAP_THRESHOLD).
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_TOP_PAD, 1 << 24);
}

void OwnHeap::begin() {
  sim::is_thread_of_tasks = true;
  if (reserved_ != 0) return;
  void* const room = ::mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return;
  region_ = static_cast<char*>(room);
  reserved_ = kRegion;
}

void* OwnHeap::carve(std::size_t kind) {
  const std::size_t size = size_of(kind);
  Rest& rest = rest_[kind];
  if (static_cast<std::size_t>(rest.end - rest.begin) < size) {
    const std::size_t granules = (size + kGranule - 1) / kGranule;
    if (granules_ + granules > reserved_ / kGranule) return nullptr;
    rest.begin = region_ + granules_ * kGranule;
    rest.end = rest.begin + granules * kGranule;
    std::fill_n(kinds_.begin() + static_cast<std::ptrdiff_t>(granules_), granules,
                static_cast<std::uint8_t>(kind));
    granules_ += granules;
  }
  char* const block = rest.begin;
  rest.begin += size;
  return block;
}

}  // namespace sockdrill
