// err(3), error(3) and kin: in the C library they end in an exit() of its own, which is the real
// process's.

#include <err.h>
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/sim/libc/calls.h"

namespace {

/// "program: text: why\n", without what is nullptr.
void complain(const char* format, va_list arguments, const char* why) {
  static_cast<void>(std::fflush(stdout));
  static_cast<void>(std::fprintf(stderr, "%s: ", ::program_invocation_short_name));
  if (format != nullptr) static_cast<void>(std::vfprintf(stderr, format, arguments));
  if (why != nullptr)
    static_cast<void>(std::fprintf(stderr, "%s%s", format != nullptr ? ": " : "", why));
  static_cast<void>(std::fputc('\n', stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace

SIMULATED_CALL void verr(int status, const char* format, va_list arguments) {
  complain(format, arguments, std::strerror(errno));
  ::exit(status);
}

SIMULATED_CALL void verrx(int status, const char* format, va_list arguments) {
  complain(format, arguments, nullptr);
  ::exit(status);
}

SIMULATED_CALL void err(int status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  ::verr(status, format, arguments);
}

SIMULATED_CALL void errx(int status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  ::verrx(status, format, arguments);
}

SIMULATED_CALL void error(int status, int number, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  complain(format, arguments, number != 0 ? std::strerror(number) : nullptr);
  va_end(arguments);
  if (status != 0) ::exit(status);
}
