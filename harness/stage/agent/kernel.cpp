#include "harness/stage/agent/kernel.h"

#include <sys/wait.h>

// What compilers take for granted even without a library. The empty assembly keeps them from seeing
// these very functions in the loops.
#if defined(SOCKDRILL_FREESTANDING)
extern "C" {
void* memset(void* into, int value, std::size_t size) {
  auto* next = static_cast<unsigned char*>(into);
  for (; size > 0; --size) {
    *next++ = static_cast<unsigned char>(value);
    __asm__ volatile("" : : : "memory");
  }
  return into;
}
void* memcpy(void* into, const void* from, std::size_t size) {
  auto* next = static_cast<unsigned char*>(into);
  const auto* source = static_cast<const unsigned char*>(from);
  for (; size > 0; --size) {
    *next++ = *source++;
    __asm__ volatile("" : : : "memory");
  }
  return into;
}
}
#endif

namespace sockdrill::agent {
namespace kernel {

pid_t reap_one(int* status) {
  return static_cast<pid_t>(call(SYS_wait4, -1, status, WNOHANG, nullptr));
}

#if defined(__x86_64__)
long borrow_memory(unsigned long flags, int* pidfd, void* stack_top, int (*function)(void*),
                   void* argument) {
  long result = 0;
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  register int (*r12)(void*) __asm__("r12") = function;
  register void* r13 __asm__("r13") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"(static_cast<long>(SYS_clone)), "D"(flags | CLONE_VM | CLONE_VFORK), "S"(stack_top),
        "d"(pidfd), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
      : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
long borrow_memory(unsigned long flags, int* pidfd, void* stack_top, int (*function)(void*),
                   void* argument) {
  register long x8 __asm__("x8") = SYS_clone;
  register unsigned long x0 __asm__("x0") = flags | CLONE_VM | CLONE_VFORK;
  register void* x1 __asm__("x1") = stack_top;
  register int* x2 __asm__("x2") = pidfd;
  register long x3 __asm__("x3") = 0;
  register long x4 __asm__("x4") = 0;
  register int (*x9)(void*) __asm__("x9") = function;
  register void* x10 __asm__("x10") = argument;
  __asm__ volatile(
      "svc 0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, 0\n\t"
      "mov x0, x10\n\t"
      "blr x9\n\t"
      "brk 1\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x9), "r"(x10)
      : "memory", "x30");
  return static_cast<long>(x0);
}
#else
long borrow_memory(unsigned long flags, int* pidfd, void* stack_top, int (*function)(void*),
                   void* argument) {
  const int pid = ::clone(function, stack_top, static_cast<int>(flags | CLONE_VM | CLONE_VFORK),
                          argument, pidfd);
  return pid == -1 ? -errno : pid;
}
#endif

}  // namespace kernel

std::size_t length_of(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

bool is_same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

pid_t number_in(const char* text) {
  pid_t number = 0;
  for (; *text >= '0' && *text <= '9'; ++text) number = number * 10 + (*text - '0');
  return *text == '\0' ? number : 0;
}

Writer& Writer::text(const char* text, std::size_t size) {
  for (; size > 0 && next_ != last_; --size) *next_++ = *text++;
  *next_ = '\0';
  return *this;
}

Writer& Writer::text(const char* words) { return text(words, length_of(words)); }

Writer& Writer::number(unsigned long number) {
  char digits[24];
  std::size_t count = sizeof digits;
  do {
    digits[--count] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  return text(digits + count, sizeof digits - count);
}

}  // namespace sockdrill::agent
