#pragma once

// The kernel's calls without a C library. A static glibc needs longer for its own start than the
// agent for all of its work (on virtual machines above all, where page faults and cpuid are dear),
// and every stage would pay for it.
//
// Results are the kernel's own: what is negative is an errno. Where we have no assembly for a
// machine, the C library makes the calls.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#if !defined(SOCKDRILL_FREESTANDING)
#include <unistd.h>
#endif

namespace sockdrill::agent::kernel {

template <typename T>
long as_word(T value) {
  return static_cast<long>(value);
}
template <typename T>
long as_word(T* value) {
  return reinterpret_cast<long>(value);
}
inline long as_word(std::nullptr_t) { return 0; }

#if !defined(SOCKDRILL_FREESTANDING)
inline long call_six(long number, long a, long b, long c, long d, long e, long f) {
  const long result = ::syscall(number, a, b, c, d, e, f);
  return result == -1 ? -errno : result;
}
#elif defined(__x86_64__)
inline long call_six(long number, long a, long b, long c, long d, long e, long f) {
  long result = 0;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long call_six(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}
#else
#error "SOCKDRILL_FREESTANDING is for x86-64 and aarch64"
#endif

template <typename A = int, typename B = int, typename C = int, typename D = int, typename E = int,
          typename F = int>
long call(long number, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) {
  return call_six(number, as_word(a), as_word(b), as_word(c), as_word(d), as_word(e), as_word(f));
}

inline int open(const char* path, int flags) {
  return static_cast<int>(call(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC));
}
inline void close(int fd) { call(SYS_close, fd); }
inline long read(int fd, void* into, std::size_t size) { return call(SYS_read, fd, into, size); }
inline long write(int fd, const void* data, std::size_t size) {
  return call(SYS_write, fd, data, size);
}
inline bool exists(const char* path) { return call(SYS_faccessat, AT_FDCWD, path, 0) == 0; }
inline long kill(pid_t pid, int signal) { return call(SYS_kill, pid, signal); }
/// As waitpid(-1, status, WNOHANG).
pid_t reap_one(int* status);
inline long prctl(int option, unsigned long value) { return call(SYS_prctl, option, value); }
[[noreturn]] inline void exit(int status) {
  for (;;) call(SYS_exit_group, status);
}

/// As vfork(2): the child runs `function`, which does not return, on `stack_top` in our memory
/// while we sleep, until it has exec'ed or exited. The child's pid, or an errno. `pidfd` is for
/// CLONE_PIDFD. Not by clone(3): ThreadSanitizer's wrapper of it believes that memory is copied.
long borrow_memory(unsigned long flags, int* pidfd, void* stack_top, int (*function)(void*),
                   void* argument);

}  // namespace sockdrill::agent::kernel

namespace sockdrill::agent {

std::size_t length_of(const char* text);
bool is_same(const char* a, const char* b);
/// The number that is all of a text, or 0.
pid_t number_in(const char* text);

/// Builds a text in a fixed place, cut off at its end.
class Writer {
 public:
  Writer(char* place, std::size_t size) : next_(place), last_(place + size - 1) { *next_ = '\0'; }
  Writer& text(const char* text, std::size_t size);
  Writer& text(const char* text);
  Writer& number(unsigned long number);
  [[nodiscard]] bool is_full() const { return next_ == last_; }

 private:
  char* next_;
  char* last_;
};

/// Calls `visit(name, type)` for what a folder holds, except "." and "..". The descriptor stays
/// open.
template <typename Visit>
void for_each_entry(int folder, Visit visit) {
  struct Entry {
    std::uint64_t inode;
    std::int64_t next;
    std::uint16_t size;
    std::uint8_t type;
    char name[1];
  };
  alignas(Entry) char bytes[8192];
  for (;;) {
    const long count = kernel::call(SYS_getdents64, folder, bytes, sizeof bytes);
    if (count <= 0) return;
    for (long at = 0; at < count;) {
      const auto* entry = reinterpret_cast<const Entry*>(bytes + at);
      at += entry->size;
      if (!is_same(entry->name, ".") && !is_same(entry->name, "..")) {
        visit(static_cast<const char*>(entry->name), entry->type);
      }
    }
  }
}

}  // namespace sockdrill::agent
