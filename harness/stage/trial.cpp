#include "harness/stage/trial.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "harness/base/deadline.h"
#include "harness/base/fd.h"

namespace sockdrill {
namespace {

constexpr auto kLimit = std::chrono::seconds(30);

[[noreturn]] void carry_out(const std::function<std::string()>& trial, Fd answer) {
  const std::string text = trial();
  const bool is_written =
      ::write(raw(answer), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::_exit(is_written ? 0 : 1);
}

/// What was said, or nothing at the deadline.
std::string read_to_end(Fd fd, Deadline deadline) {
  std::string text;
  std::array<char, 1024> chunk{};
  for (;;) {
    pollfd wait{raw(fd), POLLIN, 0};
    if (::poll(&wait, 1, deadline.left_ms()) == 0) return "the trial took too long";
    const ssize_t count = ::read(raw(fd), chunk.data(), chunk.size());
    if (count == 0) return text;
    if (count > 0) text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

std::string try_in_child(const std::function<std::string()>& trial) {
  SysResult<Pipe> pipe = make_pipe();
  if (!pipe) return "pipe: " + describe(pipe.error());
  // Not by fork(3): ThreadSanitizer's wrapper gives the child a second thread, and a process with
  // two cannot enter a user namespace.
  const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (child < 0) return "fork: " + describe(last_errno());
  if (child == 0) carry_out(trial, pipe->write_end.get());
  pipe->write_end.reset();
  const Deadline deadline = Deadline::after(kLimit);
  std::string text = read_to_end(pipe->read_end.get(), deadline);
  if (deadline.has_passed()) static_cast<void>(::kill(child, SIGKILL));
  int status = 0;
  static_cast<void>(::waitpid(child, &status, 0));
  return text.empty() && status != 0 ? "the trial crashed" : text;
}

}  // namespace sockdrill
