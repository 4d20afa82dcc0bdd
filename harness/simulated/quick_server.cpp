#include "harness/simulated/quick_server.h"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/stage/launch.h"

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

constexpr int kNaps = 3;
constexpr Nanoseconds kLongestNap = 20ms;
/// So many calls, with nothing to do, that no server makes that sleeps in between.
constexpr std::uint64_t kSpin = 20'000;
/// For thousands of requests that were read at a time it may look at its clock as often: several
/// times each, and the shortest have a few octets.
constexpr std::uint64_t kCallsAnOctet = 2;
/// TIME_WAIT is over (RFC 9293, 3.6.1; 60 s in Linux).
constexpr Nanoseconds kUntilForgotten = 61s;

}  // namespace

QuickServer::QuickServer(sim::Simulation& simulation, const Target& target, const ServerView& view,
                         const sim::Process& clients_process)
    : simulation_(simulation),
      scheduler_(simulation.scheduler()),
      kernel_(simulation.kernel()),
      target_(target),
      view_(view),
      clients_process_(clients_process) {
  kernel_.on_exit = [this](const sim::Process& process, int status) {
    if (process.pid == pid_) death_ = exit_status_of(status);
  };
}

QuickServer::~QuickServer() {
  kernel_.on_exit = nullptr;
  for (;;) {
    const std::vector<sim::Process*> left = view_.processes();
    if (left.empty()) return;
    scheduler_.end_process(*left.front(), SIGKILL);
  }
}

Result<void> QuickServer::start(const ServerAddress& where) {
  const sim::Process* const process = simulation_.start_server();
  if (process == nullptr) return fail("no memory for the simulated server");
  pid_ = process->pid;
  const bool listens =
      await([&] { return death_ || listening_at(where, view_.listeners()).is_there; }, kPatience);
  if (death_) return fail("the server " + to_string(*death_) + " before it listened");
  if (!listens) return fail("the server does not listen where it was told to");
  return {};
}

void QuickServer::take_baseline() {
  pass(1s);
  baseline_ = view_.sample();
}

void QuickServer::rest() {
  scheduler_.run();
  // One that looks around in between short naps sees what there is at the first, and does it.
  for (int i = 0; i < kNaps; ++i) {
    const sim::VirtualTime next = scheduler_.next_deadline();
    if (next > kernel_.now() + kLongestNap) return;
    scheduler_.run_until(next, {});
  }
}

bool QuickServer::await(const std::function<bool()>& is_enough, Nanoseconds patience) {
  rest();
  if (is_enough()) return true;
  scheduler_.run_until(kernel_.now() + patience, is_enough);
  return is_enough();
}

/// In one leap, so that a server that looks at its clock ten times a second does it once.
void QuickServer::forget_connections() {
  kernel_.advance_to(kernel_.now() + kUntilForgotten);
  scheduler_.wake_due();
  rest();
}

std::uint64_t QuickServer::held_octets() const {
  std::uint64_t octets = 0;
  for (const sim::Process* process : view_.processes()) octets += process->held_octets;
  return octets;
}

bool QuickServer::is_stopped() const {
  return std::ranges::any_of(view_.processes(),
                             [](const sim::Process* process) { return process->is_stopped; });
}

void QuickServer::signal_all(int number) {
  for (sim::Process* process : view_.processes())
    kernel_.send_signal(*process, sim::signal_info(number, SI_USER, clients_process_.pid));
}

void QuickServer::look_for_spin(QuickVerdict& verdict, std::uint64_t asked) {
  if (target_.declares.polls || !view_.is_running()) return;
  const Nanoseconds before = view_.sample().ran;
  const auto calls = [&] {
    return static_cast<std::uint64_t>((view_.sample().ran - before) / 1us);
  };
  const sim::VirtualTime began = kernel_.now();
  const std::uint64_t most = kSpin + kCallsAnOctet * asked;
  // What each of its calls costs is the server's affair: no more of them than tell.
  scheduler_.run_until(began + 100ms + most * 1us, [&] { return calls() > most; });
  if (calls() > most && view_.is_running())
    verdict.suspect("invariant/quiet-cpu", fmt::format("{} calls in {} ms with nothing to do",
                                                       calls(), (kernel_.now() - began) / 1ms));
}

void QuickServer::look_for_stall(QuickVerdict& verdict) {
  if (is_stopped() || verdict.may_lose) return;
  const bool serves_all_at_once = target_.declares.concurrent.value_or(false);
  if (!view_.stalled(serves_all_at_once, target_.declares.max_connections)) return;
  pass(kPatience);
  const std::optional<std::string> stalled =
      view_.stalled(serves_all_at_once, target_.declares.max_connections);
  if (stalled) verdict.suspect("invariant/stall", *stalled);
}

void QuickServer::look_for_growth(QuickVerdict& verdict) {
  struct Rule {
    const char* name;
    const char* noun;
    int Resources::*count;
  };
  static constexpr std::array<Rule, 5> kRules{
      {{"invariant/children", "child process", &Resources::processes},
       {"invariant/zombies", "zombie", &Resources::zombies},
       {"invariant/threads", "thread", &Resources::threads},
       {"invariant/descriptors", "descriptor", &Resources::descriptors},
       {"invariant/close-wait", "connection in CLOSE_WAIT", &Resources::close_wait}}};
  Resources now = view_.sample();
  const auto has_grown = [&](const Rule& rule) { return now.*rule.count > baseline_.*rule.count; };
  if (std::ranges::none_of(kRules, has_grown)) return;
  // A server may tidy up by a timer of its own.
  pass(kPatience);
  now = view_.sample();
  for (const Rule& rule : kRules) {
    if (has_grown(rule))
      verdict.suspect(
          rule.name,
          fmt::format("{} more than before",
                      count_of(static_cast<std::size_t>(now.*rule.count - baseline_.*rule.count),
                               rule.noun)));
  }
}

}  // namespace sockdrill
