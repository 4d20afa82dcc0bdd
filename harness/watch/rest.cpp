#include "harness/watch/rest.h"

#include <fmt/format.h>

#include <algorithm>

namespace sockdrill {
namespace {

using namespace std::chrono_literals;

/// Who has gone to sleep this often since the sockets came to rest has been round all of them in
/// between. Run counts would not do here: a preempted thread is given the CPU twice for one round.
constexpr std::uint64_t kCycles = 2;
constexpr Nanoseconds kBlindPatience = 250ms;
/// Nobody who serves clients looks at them less often than once a second.
constexpr Nanoseconds kSlowestPoller = 1s;
/// A server that wakes by timers over and over is taken to do so for ever after this time. Timers
/// that were set before the rest began, and are due within it, have been served by then: a thread
/// that is late with them runs, or waits for a CPU, and is no sleeper.
constexpr Nanoseconds kTicking = 1s;
/// CPU time after which a declared poller must have been round all its sockets. More than one tick
/// of the kernel's clock: a single one may hold a standstill of the virtual machine.
constexpr Nanoseconds kPollingTime = 6ms;
/// ... and after which no timer inside it can be expected any more.
constexpr Nanoseconds kFirmPollingTime = 100ms;
/// How long a state that a packet may still end must last, with nothing queued in the network.
constexpr Nanoseconds kDoubt = 10ms;

bool is_stopped(const TaskView& task) { return task.state == 'T'; }

/// Nothing but time wakes it: it may be in the middle of its work, or just about to look at what
/// waits for it.
bool is_at_rest_blindly(const TaskView& task, const RestView& view) {
  if (task.sleeps_since >= kCycles) return true;
  const bool input_waits = !view.sockets.waiting.empty();
  if (!input_waits) return task.is_untouched || view.held_for >= kBlindPatience;
  return view.held_for >= std::clamp(task.timer_over_at, kBlindPatience, kSlowestPoller);
}

bool is_timer_over(const TaskView& task, const RestView& view) {
  if (!is_asleep(task)) return task.ran_since >= kFirmPollingTime;
  if (is_stopped(task)) return true;
  // An event loop sleeps until the first of its timers: it may go to sleep often before the one
  // that matters is due. Only time tells such a loop from one that ticks for ever.
  if (task.sleeps_since >= kCycles && view.held_for >= kTicking) return true;
  const Nanoseconds its_timer =
      task.wakes_soon ? std::max(task.timer_over_at, kTicking) : task.timer_over_at;
  const Nanoseconds over_at = std::max(its_timer, view.timer.value_or(0ns));
  return over_at == 0ns || view.held_for >= std::min(over_at, kLongestTimeout);
}

bool is_firm(const RestView& view) {
  if (view.sockets.is_soft) return false;
  const bool all_stopped = std::all_of(view.tasks.begin(), view.tasks.end(), is_stopped);
  if (!all_stopped && !view.knows_timers) return false;
  return std::all_of(view.tasks.begin(), view.tasks.end(),
                     [&](const TaskView& task) { return is_timer_over(task, view); });
}

/// Where the kernel does not tell, time has to: processing a queued packet takes microseconds.
bool is_quiet(const RestView& view) {
  return view.is_network_quiet.value_or(view.held_for >= kDoubt);
}

/// Why a thread that sleeps is not at rest all the same; empty when it is.
std::string find_unrest(const RestView& view) {
  for (const TaskView& task : view.tasks) {
    if (is_stopped(task)) continue;
    if (task.wait.is_blind && !is_at_rest_blindly(task, view)) {
      return fmt::format("thread {} pauses in {}", task.tid, to_string(task.wait));
    }
    if (task.wait.is_creation)
      return fmt::format("thread {} is held up in {}", task.tid, to_string(task.wait));
    if (task.wait.is_close && view.sockets.waiting.empty()) {
      return fmt::format("thread {} waits in close (SO_LINGER)", task.tid);
    }
  }
  return {};
}

/// A thread asleep in an output call: it has something left to send.
const TaskView* find_writer(const RestView& view) {
  const auto found = std::find_if(view.tasks.begin(), view.tasks.end(),
                                  [](const TaskView& task) { return task.wait.is_output; });
  return found == view.tasks.end() ? nullptr : &*found;
}

bool sleeps_blindly(const RestView& view) {
  return std::any_of(view.tasks.begin(), view.tasks.end(),
                     [](const TaskView& task) { return task.wait.is_blind && !is_stopped(task); });
}

RestReport at_rest(const RestView& view, bool is_heuristic) {
  RestReport report{.is_firm = is_firm(view),
                    .sleeps_blindly = sleeps_blindly(view),
                    .is_heuristic = is_heuristic,
                    .unread_of = view.sockets.unread_of};
  const TaskView* writer = find_writer(view);
  if (!view.sockets.waiting.empty()) {
    report.because = view.sockets.waiting;
  } else if (writer != nullptr && !is_heuristic) {
    report.because = fmt::format("thread {} waits in {}", writer->tid, to_string(writer->wait));
  }
  report.rest = report.because.empty() ? Rest::settled : Rest::blocked;
  return report;
}

}  // namespace

RestReport busy(std::string because) {
  return RestReport{.rest = Rest::busy, .because = std::move(because)};
}

bool is_asleep(const TaskView& task) {
  const bool sleeps = task.state == 'S' || task.state == 'T' || task.state == 'I';
  return task.was_off_cpu && sleeps && task.runs_a == task.runs_b;
}

std::string describe_activity(const TaskView& task) {
  if (task.state == 'D') return fmt::format("thread {} waits for a device or the kernel", task.tid);
  if (task.state == 't') return fmt::format("thread {} is held by a tracer", task.tid);
  return fmt::format("thread {} is running", task.tid);
}

RestReport decide(const RestView& view) {
  if (view.tasks.empty()) return RestReport{.rest = Rest::gone, .because = "no process is left"};
  bool spins = false;
  for (const TaskView& task : view.tasks) {
    if (is_asleep(task)) continue;
    if (!view.polls || task.ran_since < kPollingTime) return busy(describe_activity(task));
    spins = true;
  }
  if (!view.sockets.under_way.empty()) return busy(view.sockets.under_way);
  if (!view.is_steady) return busy("the sockets have only just come to rest");
  if (view.sockets.has_datagrams && !is_quiet(view)) return busy("a packet is under way");
  // Behind a relay each datagram stands in the kernel's queues twice, and in ours in between.
  const bool is_doubtful =
      !view.sockets.doubt.empty() || (view.sockets.has_datagrams && view.has_relay);
  if (is_doubtful && (!is_quiet(view) || view.held_for < kDoubt)) {
    const std::string& what = view.sockets.doubt;
    return busy((what.empty() ? "a packet" : what) + " may be under way");
  }
  if (!spins) {
    if (const std::string unrest = find_unrest(view); !unrest.empty()) return busy(unrest);
  }
  return at_rest(view, spins);
}

}  // namespace sockdrill
