// Where stdio and the rest of the C library would go past us: streams over simulated descriptors,
// random numbers, and system calls by number.

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/sim/libc/calls.h"

namespace sockdrill::sim {

namespace {

int number_of(void* cookie) { return static_cast<int>(reinterpret_cast<std::intptr_t>(cookie)); }

ssize_t read_cookie(void* cookie, char* buffer, std::size_t size) {
  return ::read(number_of(cookie), buffer, size);
}

/// As much as can be written.
std::size_t write_all(int fd, const char* octets, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t written = ::write(fd, octets + done, size - done);
    if (written < 0) break;
    done += static_cast<std::size_t>(written);
  }
  return done;
}

ssize_t write_cookie(void* cookie, const char* buffer, std::size_t size) {
  // 0, not -1, is an error here (fopencookie(3)).
  return static_cast<ssize_t>(write_all(number_of(cookie), buffer, size));
}

int close_cookie(void* cookie) { return ::close(number_of(cookie)); }

/// xorshift64*: enough for a server's keys in a world that is not real.
void fill_with_random(char* buffer, std::size_t size) {
  std::uint64_t& state = simulation()->random_state;
  for (std::size_t i = 0; i < size; ++i) {
    state ^= state >> 12U;
    state ^= state << 25U;
    state ^= state >> 27U;
    buffer[i] = static_cast<char>((state * 0x2545F4914F6CDD1DULL) >> 56U);
  }
}

std::string format(const char* text, va_list arguments) {
  char* made = nullptr;
  const int size = ::vasprintf(&made, text, arguments);
  std::string result(size < 0 ? "" : made, size < 0 ? 0 : static_cast<std::size_t>(size));
  if (size >= 0) std::free(made);
  return result;
}

}  // namespace
}  // namespace sockdrill::sim

using namespace sockdrill::sim;  // NOLINT(google-build-using-namespace): extern "C" from here on

SIMULATED_CALL FILE* fdopen(int fd, const char* mode) noexcept {
  if (!simulated_file(fd)) return next<FILE*(int, const char*)>("fdopen")(fd, mode);
  return ::fopencookie(
      reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)), mode,
      cookie_io_functions_t{
          .read = read_cookie, .write = write_cookie, .seek = nullptr, .close = close_cookie});
}

SIMULATED_CALL int vdprintf(int fd, const char* text, va_list arguments) {
  if (!simulated_file(fd))
    return next<int(int, const char*, va_list)>("vdprintf")(fd, text, arguments);
  const std::string octets = format(text, arguments);
  return static_cast<int>(write_all(fd, octets.data(), octets.size()));
}

SIMULATED_CALL int dprintf(int fd, const char* text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int result = vdprintf(fd, text, arguments);
  va_end(arguments);
  return result;
}

SIMULATED_CALL int __dprintf_chk(int fd, int, const char* text, ...) {
  va_list arguments;
  va_start(arguments, text);
  const int result = vdprintf(fd, text, arguments);
  va_end(arguments);
  return result;
}

SIMULATED_CALL ssize_t getrandom(void* buffer, std::size_t size, unsigned flags) {
  if (!is_simulated()) return real(SYS_getrandom, buffer, size, flags);
  fill_with_random(static_cast<char*>(buffer), size);
  return static_cast<ssize_t>(size);
}

SIMULATED_CALL int getentropy(void* buffer, std::size_t size) {
  if (size > 256) return fail_with(EIO);
  return getrandom(buffer, size, 0) >= 0 ? 0 : -1;
}

SIMULATED_CALL void arc4random_buf(void* buffer, std::size_t size) noexcept {
  getrandom(buffer, size, 0);
}

SIMULATED_CALL long syscall(long number, ...) noexcept {
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (long& argument : a) argument = va_arg(rest, long);
  va_end(rest);
  if (!is_simulated()) return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  switch (number) {
    case SYS_futex:
      return simulated_futex(reinterpret_cast<int*>(a[0]), static_cast<int>(a[1]),
                             static_cast<int>(a[2]), reinterpret_cast<const timespec*>(a[3]));
    case SYS_close:
      return close(static_cast<int>(a[0]));
    case SYS_gettid:
      return current_task->id;
    case SYS_getpid:
      return current_task->process.pid;
    case SYS_getrandom:
      return getrandom(reinterpret_cast<void*>(a[0]), static_cast<std::size_t>(a[1]),
                       static_cast<unsigned>(a[2]));
    case SYS_clock_gettime:
      return clock_gettime(static_cast<clockid_t>(a[0]), reinterpret_cast<timespec*>(a[1]));
    case SYS_io_uring_setup:
      return fail_with(ENOSYS);  // as on many hardened machines: programs know what to do
    case SYS_close_range:
      return close_range(static_cast<unsigned>(a[0]), static_cast<unsigned>(a[1]),
                         static_cast<int>(a[2]));
    case SYS_membarrier:
    case SYS_sched_setaffinity:
      return 0;
    // These concern the program's memory and the like, and are as true here as there.
    case SYS_get_mempolicy:
    case SYS_sched_getaffinity:
    case SYS_getcpu:
    case SYS_madvise:
    case SYS_mincore:
    case SYS_capget:
    case SYS_statx:
    case SYS_pkey_alloc:
    case SYS_gettimeofday:
    case SYS_getuid:
    case SYS_getgid:
    case SYS_ioprio_set:
      return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    default:
      return refuse_call("syscall(" + std::to_string(number) + ")");
  }
}
