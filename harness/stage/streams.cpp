#include "harness/stage/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "harness/base/try.h"

namespace sockdrill {
namespace {

SysResult<void> make_non_blocking(const OwnedFd& end) {
  if (::fcntl(end.raw(), F_SETFL, O_NONBLOCK) != 0) return fail(last_errno());
  return {};
}

SysResult<Input> make_input(bool wants_pipe) {
  if (wants_pipe) {
    Pipe pipe = TRY(make_pipe());
    TRY_VOID(make_non_blocking(pipe.write_end));
    return Input{std::move(pipe.read_end), std::move(pipe.write_end)};
  }
  OwnedFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!null.is_open()) return fail(last_errno());
  return Input{std::move(null), {}};
}

SysResult<Pipe> make_output() {
  Pipe pipe = TRY(make_pipe());
  TRY_VOID(make_non_blocking(pipe.read_end));
  return pipe;
}

}  // namespace

SysResult<Streams> make_streams(bool wants_input) {
  Input input = TRY(make_input(wants_input));
  Pipe out = TRY(make_output());
  Pipe err = TRY(make_output());
  return Streams{std::move(input), std::move(out), std::move(err)};
}

void drain(OwnedFd& pipe, OutputTail& into) {
  constexpr std::size_t kAtMost = std::size_t{2} << 20;
  std::array<char, 65536> chunk;
  for (std::size_t taken = 0; pipe.is_open() && taken < kAtMost;) {
    const ssize_t count = ::read(pipe.raw(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return pipe.reset();
    into.append({chunk.data(), static_cast<std::size_t>(count)});
    taken += static_cast<std::size_t>(count);
  }
}

}  // namespace sockdrill
