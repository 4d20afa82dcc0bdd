// The C library's heap, under its own names, so that what the server takes of it is counted, and
// what is ours is taken elsewhere. Not for builds with a sanitizer, which has a heap of its own and
// tells us of it (held_memory.cpp, operators.cpp).

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "harness/fuzzer/held_memory.h"
#include "harness/fuzzer/own_heap.h"

extern "C" {
// glibc's own, under names that nobody takes the place of.
void* __libc_malloc(std::size_t size);
void __libc_free(void* block);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

using sockdrill::own_heap;
using sockdrill::take_if_ours;

namespace {

void* taken(void* block, std::size_t size) {
  sockdrill::note_taken(block, size);
  return block;
}

}  // namespace

#define HEAP_CALL extern "C" __attribute__((visibility("default")))

HEAP_CALL void* malloc(std::size_t size) {
  if (void* const block = take_if_ours(size); block != nullptr) return block;
  return taken(__libc_malloc(size), size);
}

HEAP_CALL void free(void* block) {
  if (own_heap.holds(block)) return own_heap.give_back(block);
  sockdrill::note_given_back(block);
  __libc_free(block);
}

HEAP_CALL void* calloc(std::size_t count, std::size_t size) {
  std::size_t all = 0;
  const bool fits = !__builtin_mul_overflow(count, size, &all);
  if (void* const block = fits ? take_if_ours(all) : nullptr; block != nullptr)
    return std::memset(block, 0, all);
  return taken(__libc_calloc(count, size), count * size);
}

HEAP_CALL void* realloc(void* block, std::size_t size) {
  if (own_heap.holds(block)) {
    void* const moved = size != 0 ? malloc(size) : nullptr;
    if (moved == nullptr && size != 0) return nullptr;
    if (moved != nullptr) std::memcpy(moved, block, std::min(size, own_heap.room_of(block)));
    own_heap.give_back(block);
    return moved;
  }
  if (block == nullptr) return malloc(size);
  void* const moved = __libc_realloc(block, size);
  if (moved == nullptr && size != 0) return nullptr;
  sockdrill::note_given_back(block);
  return taken(moved, size);
}

HEAP_CALL void* memalign(std::size_t alignment, std::size_t size) {
  return taken(__libc_memalign(alignment, size), size);
}

HEAP_CALL void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}

HEAP_CALL int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  const bool is_power = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!is_power || alignment % sizeof(void*) != 0) return EINVAL;
  void* const made = memalign(alignment, size);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}

HEAP_CALL std::size_t malloc_usable_size(void* block) {
  using Ask = std::size_t (*)(void*);
  static const auto ask = reinterpret_cast<Ask>(::dlsym(RTLD_NEXT, "malloc_usable_size"));
  return own_heap.holds(block) ? own_heap.room_of(block) : ask(block);
}

// A library's way to malloc(3), cut short. Weak: a server may have its own.

[[gnu::weak]] void* operator new(std::size_t size) {
  for (;;) {
    if (void* const block = malloc(size); block != nullptr) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
[[gnu::weak]] void operator delete(void* block) noexcept { free(block); }
[[gnu::weak]] void operator delete(void* block, std::size_t /*size*/) noexcept { free(block); }
