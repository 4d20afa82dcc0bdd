#pragma once

// TRY(expression): the value of a Result, or an early return of its error. Only .cpp files include
// this. A GNU statement expression, which every compiler we support takes.

#include <utility>

#include "harness/base/result.h"

#define SOCKDRILL_TRY_(name, ...)                                   \
  __extension__({                                                   \
    auto&& name = (__VA_ARGS__);                                    \
    if (!name) return tl::make_unexpected(std::move(name).error()); \
    *std::forward<decltype(name)>(name);                            \
  })
#define SOCKDRILL_TRY_VOID_(name, ...)                              \
  do {                                                              \
    auto&& name = (__VA_ARGS__);                                    \
    if (!name) return tl::make_unexpected(std::move(name).error()); \
  } while (false)
#define SOCKDRILL_JOIN_(a, b) a##b
#define SOCKDRILL_NAME_(counter) SOCKDRILL_JOIN_(try_result_, counter)

// A name of its own for each use, so that one inside another shadows nothing.
#define TRY(...) SOCKDRILL_TRY_(SOCKDRILL_NAME_(__COUNTER__), __VA_ARGS__)
/// The same for Result<void>.
#define TRY_VOID(...) SOCKDRILL_TRY_VOID_(SOCKDRILL_NAME_(__COUNTER__), __VA_ARGS__)
