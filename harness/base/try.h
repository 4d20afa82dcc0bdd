#pragma once

// TRY(expression): the value of a Result, or an early return of its error. Only .cpp files include
// this. A GNU statement expression, which every compiler we support takes.

#include <utility>

#include "harness/base/result.h"

#define TRY(...)                                                                  \
  __extension__({                                                                 \
    auto&& try_result_ = (__VA_ARGS__);                                           \
    if (!try_result_) return tl::make_unexpected(std::move(try_result_).error()); \
    *std::forward<decltype(try_result_)>(try_result_);                            \
  })

/// The same for Result<void>.
#define TRY_VOID(...)                                                             \
  do {                                                                            \
    auto&& try_result_ = (__VA_ARGS__);                                           \
    if (!try_result_) return tl::make_unexpected(std::move(try_result_).error()); \
  } while (false)
