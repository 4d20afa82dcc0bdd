#pragma once

// Copying the memory of a server, which is full of octets that AddressSanitizer has poisoned:
// stacks, and what lies between variables.

#include <cstddef>

namespace sockdrill::sim {

/// memcpy(3) that no sanitizer looks at.
inline void copy_octets(void* to, const void* from, std::size_t size) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

}  // namespace sockdrill::sim
