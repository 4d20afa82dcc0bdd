#include "targets/models/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace sockdrill::models {

namespace {

bool fill_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // open() takes the lowest free number, which is this one.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd) return false;
  }
  return true;
}

}  // namespace

bool prepare_process() {
  if (!fill_standard_descriptors()) {
    fail("open /dev/null");
    return false;
  }
  if (::signal(SIGPIPE, SIG_IGN) != SIG_ERR) return true;
  fail("signal");
  return false;
}

OwnedFd open_stop_fd() {
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigaddset(&stops, SIGINT);
  if (::sigprocmask(SIG_BLOCK, &stops, nullptr) != 0) {
    fail("sigprocmask");
    return {};
  }
  OwnedFd fd{::signalfd(-1, &stops, SFD_NONBLOCK | SFD_CLOEXEC)};
  if (!fd.is_open()) fail("signalfd");
  return fd;
}

namespace {

/// Whether anybody reads it is not our business: the server serves all the same.
void write_if_ready(int fd, const std::string& text) {
  pollfd out{.fd = fd, .events = POLLOUT, .revents = 0};
  if (::poll(&out, 1, 0) != 1) return;
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

std::string with_reason(const std::string& call) { return call + ": " + std::strerror(errno); }

std::string log_line(const std::string& message) {
  return std::string(program_invocation_short_name) + ": " + message + "\n";
}

}  // namespace

void announce(const std::string& where) {
  write_if_ready(STDOUT_FILENO, "listening on " + where + "\n");
}

int fail(const std::string& call) { return fail_with(with_reason(call)); }

int fail_with(const std::string& message) {
  std::fputs(log_line(message).c_str(), stderr);
  return 1;
}

void log_error(const std::string& call) {
  write_if_ready(STDERR_FILENO, log_line(with_reason(call)));
}

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::int64_t unix_seconds() { return std::time(nullptr); }

int timeout_until(std::int64_t deadline_ms) {
  if (deadline_ms == kNever) return -1;
  return static_cast<int>(std::clamp<std::int64_t>(deadline_ms - now_ms(), 0, 60'000));
}

void recover_from_wait_error() {
  constexpr timespec moment{.tv_sec = 0, .tv_nsec = 10'000'000};
  if (errno != EINTR) ::nanosleep(&moment, nullptr);
}

Woken wait_for(int fd, short events, int stop_fd, std::int64_t deadline_ms) {
  std::array polled{pollfd{.fd = fd, .events = events, .revents = 0},
                    pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
  while (true) {
    const int timeout_ms = timeout_until(deadline_ms);
    const int count = ::poll(polled.data(), polled.size(), timeout_ms);
    if (count < 0) recover_from_wait_error();
    if (count > 0 && polled[1].revents != 0) return Woken::stopped;
    if (timeout_ms == 0)
      return Woken::timed_out;  // A client that never pauses is not waited for either.
    if (count > 0) return Woken::ready;
  }
}

}  // namespace sockdrill::models
