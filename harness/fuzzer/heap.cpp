// The C library's heap, under its own names, so that what the server takes of it is counted. Not
// for builds with a sanitizer, which has a heap of its own and tells us of it (held_memory.cpp).

#include <malloc.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "harness/fuzzer/held_memory.h"

extern "C" {
// glibc's own, under names that nobody takes the place of.
void* __libc_malloc(std::size_t size);
void __libc_free(void* block);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

void* taken(void* block, std::size_t size) {
  sockdrill::note_taken(block, size);
  return block;
}

}  // namespace

#define HEAP_CALL extern "C" __attribute__((visibility("default")))

HEAP_CALL void* malloc(std::size_t size) { return taken(__libc_malloc(size), size); }

HEAP_CALL void free(void* block) {
  sockdrill::note_given_back(block);
  __libc_free(block);
}

HEAP_CALL void* calloc(std::size_t count, std::size_t size) {
  return taken(__libc_calloc(count, size), count * size);
}

HEAP_CALL void* realloc(void* block, std::size_t size) {
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
