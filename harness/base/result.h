#pragma once

// Failures as values. `Result` is for input that a person gave us (it says where), `SysResult` for
// a system call that said no. Nothing in this project throws.

#include <string>
#include <tl/expected.hpp>

#include "harness/base/errno.h"

namespace sockdrill {

/// Bad input from a person. `where` is a place one can open (`file:line:column`, `--option`), or
/// empty.
struct Error {
  std::string message;
  std::string where;
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

template <typename T>
using SysResult = tl::expected<T, Errno>;

inline tl::unexpected<Error> fail(std::string message, std::string where = {}) {
  return tl::unexpected<Error>(Error{std::move(message), std::move(where)});
}
inline tl::unexpected<Errno> fail(Errno error) { return tl::unexpected<Errno>(error); }

/// `where: message`, the form every error of this tool takes on stderr.
std::string to_string(const Error& error);

}  // namespace sockdrill
