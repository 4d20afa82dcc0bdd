// `new` and `delete` of a program whose heap is AddressSanitizer's: what is ours is taken elsewhere
// (own_heap.h), the server's goes on to the sanitizer's own operators, which cmake/ has renamed, so
// that its reports stay what they are. All others that C++ has are the sanitizer's.

#include <cstddef>
#include <new>

#include "harness/fuzzer/own_heap.h"

extern "C" {
void* sanitizer_new(std::size_t size) __asm__("_Znwm.sanitizer");
void sanitizer_delete(void* block) __asm__("_ZdlPv.sanitizer");
void sanitizer_delete_sized(void* block, std::size_t size) __asm__("_ZdlPvm.sanitizer");
}

using sockdrill::own_heap;

void* operator new(std::size_t size) {
  if (void* const block = sockdrill::take_if_ours(size); block != nullptr) return block;
  return sanitizer_new(size);
}

void operator delete(void* block) noexcept {
  if (own_heap.holds(block)) return own_heap.give_back(block);
  sanitizer_delete(block);
}

void operator delete(void* block, std::size_t size) noexcept {
  if (own_heap.holds(block)) return own_heap.give_back(block);
  sanitizer_delete_sized(block, size);
}
