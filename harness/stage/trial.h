#pragma once

// Trying in a child process what would change or endanger our own.

#include <functional>
#include <string>

namespace sockdrill {

/// Forks, lets the child carry out the trial, and returns what it said: "" = all went well,
/// otherwise what the kernel said. For one thread only, before others are started.
std::string try_in_child(const std::function<std::string()>& trial);

}  // namespace sockdrill
