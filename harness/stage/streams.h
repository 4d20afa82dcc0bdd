#pragma once

// The standard streams of a process: pipes, and taking in what comes out of them.

#include "harness/base/fd.h"
#include "harness/base/result.h"
#include "harness/stage/stage.h"

namespace sockdrill {

/// The pipe or /dev/null that becomes a process's stdin, and our end of it.
struct Input {
  OwnedFd theirs;
  OwnedFd ours;
};

struct Streams {
  Input input;
  Pipe out;
  Pipe err;
};
/// Our ends do not block.
SysResult<Streams> make_streams(bool wants_input);

/// Reads what is there and closes the pipe at its end. More than a pipe can hold (1 MiB, unless
/// root says otherwise), so that whatever was written before now is taken in; but not without end,
/// for a server that never stops writing.
void drain(OwnedFd& pipe, OutputTail& into);

}  // namespace sockdrill
