#pragma once

// SOCKDRILL_CHECK(condition, "message"): an error of ours. On in every build; aborts, so that
// fuzzers see it.

namespace sockdrill {

[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line);

}  // namespace sockdrill

#define SOCKDRILL_CHECK(condition, message) \
  ((condition) ? static_cast<void>(0)       \
               : ::sockdrill::check_failed(#condition, message, __FILE__, __LINE__))
