#pragma once

// From places in the server's program to lines of its source.

#include <string>

namespace sockdrill {

/// The stack as describe_stack() tells it, with " FILE:LINE" behind each frame of `module` ("in f
/// (module+0x12)"), whose file is `program`; as it is where that was built without debugging
/// information, or addr2line(1) is not there.
std::string with_source_lines(const std::string& stack, const std::string& module,
                              const std::string& program);

}  // namespace sockdrill
