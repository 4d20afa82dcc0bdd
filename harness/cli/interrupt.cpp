#include "harness/cli/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

// Written by the signal handler only.
std::atomic<bool> interrupted{false};

extern "C" void on_interrupt(int /*signal*/) {
  if (interrupted.exchange(true)) ::_exit(kExitInterrupted);
}

}  // namespace

const std::atomic<bool>& catch_interrupts() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return interrupted;
}

}  // namespace sockdrill
