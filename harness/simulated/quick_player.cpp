#include "harness/simulated/quick_player.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/simulated/kernel_faults.h"
#include "harness/simulated/quick_clients.h"

namespace sockdrill {

namespace {

/// So often an input is played again that has left more memory behind.
constexpr int kFewTimes = 8;
constexpr int kManyTimes = 256;

}  // namespace

class QuickPlayer::Impl final {
 public:
  Impl(sim::Simulation& simulation, const Target& target, const QuickPlayerOptions& options)
      : scheduler_(simulation.scheduler()),
        kernel_(simulation.kernel()),
        target_(target),
        options_(options),
        clients_process_(kernel_.create_process(nullptr)),
        sockets_(clients_process_, ServerAddress{.transport = target.transport,
                                                 .family = target.family,
                                                 .port = options.port,
                                                 .path = options.path}),
        view_(scheduler_, clients_process_, sockets_),
        server_(simulation, target, view_, clients_process_),
        clients_(sockets_, target, kernel_, server_, verdict_, options_) {
    clients_process_.command = "clients";
    kernel_.faults.on_strike = [this](const sim::CallFault& fault) { note_struck(fault); };
  }
  ~Impl() {
    kernel_.faults.on_strike = nullptr;
    kernel_.faults.arm({});
  }

  Result<void> start();
  std::optional<Suspicion> play(const Plan& plan);
  [[nodiscard]] bool is_alive() const { return server_.is_alive(); }

 private:
  void play_block(const Block& block);
  void play_step(const PlannedStep& step);
  void play_case(const CasePlan& planned);
  std::optional<Suspicion> play_once(const Plan& plan);
  std::optional<Suspicion> look_for_leak(const Plan& plan);
  void set_faults(const std::vector<Fault>& faults, const Schedule& schedule) {
    // What those before have cost, they have cost those who were there.
    if (!clients_.is_anybody_there()) verdict_.may_lose = false;
    kernel_.faults.arm(to_kernel(faults));
    scheduler_.set_schedule(schedule.seed, schedule.choices);
    has_faults_ = !faults.empty() || schedule != Schedule{};
  }
  void note_struck(const sim::CallFault& fault);
  bool is_served(const Script& probe);

  sim::Scheduler& scheduler_;
  sim::Kernel& kernel_;
  const Target& target_;
  const QuickPlayerOptions options_;
  sim::Process& clients_process_;
  SimulatedClients sockets_;
  ServerView view_;
  QuickVerdict verdict_;
  bool has_faults_ = false;
  bool has_settled_ = false;  ///< as its last step, for the first time
  QuickServer server_;
  QuickClients clients_;
};

QuickPlayer::QuickPlayer(sim::Simulation& simulation, const Target& target,
                         const QuickPlayerOptions& options)
    : impl_(std::make_unique<Impl>(simulation, target, options)) {}
QuickPlayer::~QuickPlayer() = default;
Result<void> QuickPlayer::start() { return impl_->start(); }
bool QuickPlayer::is_alive() const { return impl_->is_alive(); }
std::optional<Suspicion> QuickPlayer::play(const Plan& plan) { return impl_->play(plan); }

Result<void> QuickPlayer::Impl::start() {
  // Of a server before this one, whose port it is to have.
  server_.forget_connections();
  TRY_VOID(server_.start(sockets_.server()));
  Scenario nothing;
  nothing.id = "fuzz/start";
  const Plan plan = TRY(make_plan(nothing, target_, PlanOptions{}));
  if (!is_served(plan.warm_up)) return fail(kServesNobody);
  clients_.finish_all();
  // Before anybody was rude: a server that answers so always, or a dialogue that is not its own.
  if (verdict_.suspicion)
    return fail(fmt::format("{} ({})", kServesNobody, verdict_.suspicion->what));
  server_.forget_connections();
  server_.take_baseline();
  return {};
}

/// Whoever is interrupted, or told to come again, or served in part, comes again; a datagram is not
/// worth it. Without a process or a thread for it a client cannot be served.
void QuickPlayer::Impl::note_struck(const sim::CallFault& fault) {
  const bool is_asked_again =
      fault.kind != sim::CallKind::fork && fault.kind != sim::CallKind::thread &&
      (fault.error == EINTR || (fault.error == EAGAIN && !keeps_boundaries(target_.transport)));
  if (fault.effect == sim::CallFault::Effect::fails && !is_asked_again) verdict_.may_lose = true;
}

/// The server runs when somebody waits for it, as in play(): what several clients do before is
/// there at once.
void QuickPlayer::Impl::play_step(const PlannedStep& step) {
  const auto* const action = std::get_if<ServerAction>(&step.action);
  const bool had_settled = std::exchange(has_settled_, false);
  if (action == nullptr) return clients_.act(step.client, step.action);
  if (const auto* from_here = std::get_if<FromHere>(action))
    return set_faults(from_here->faults, from_here->schedule);
  if (std::holds_alternative<Settled>(*action)) {
    // Twice, when nobody is there and nothing fails, it is as between two inputs: its timers and
    // TCP's run out. (So join() makes it, in fuzz/join.h.)
    has_settled_ = !had_settled;
    if (had_settled && !has_faults_ && !clients_.is_anybody_there())
      return server_.forget_connections();
  }
  if (std::holds_alternative<Stop>(*action)) server_.signal_all(SIGSTOP);
  if (std::holds_alternative<Continue>(*action)) server_.signal_all(SIGCONT);
  server_.rest();
}

/// Scripts that play at a time take turns, step by step.
void QuickPlayer::Impl::play_block(const Block& block) {
  struct Turn {
    const Script* script;
    std::size_t next;
  };
  std::vector<Turn> playing;
  std::size_t next_script = 0;
  const std::size_t at_once = std::max<std::size_t>(block.at_once, 1);
  while (is_alive() && !verdict_.suspicion) {
    while (playing.size() < at_once && next_script < block.scripts.size())
      playing.push_back({&block.scripts[next_script++], 0});
    if (playing.empty()) return;
    for (Turn& turn : playing) {
      if (turn.next < turn.script->size()) play_step((*turn.script)[turn.next++]);
    }
    std::erase_if(playing, [](const Turn& turn) { return turn.next >= turn.script->size(); });
  }
}

bool QuickPlayer::Impl::is_served(const Script& probe) {
  for (const PlannedStep& step : probe) {
    if (!is_alive()) return false;
    play_step(step);
    if (!std::holds_alternative<PlannedExpect>(step.action)) continue;
    QuickClient& client = clients_.of(step.client);
    const bool answers = target_.speaks.style != Style::sink;
    if (!client.is_open) return false;
    const Nanoseconds until = server_.now() + kPatience;
    while (answers && client.received == 0 && !client.has_ended && server_.now() < until) {
      server_.pass(std::chrono::milliseconds(100));
      clients_.read(client, UINT64_MAX);
    }
    // One that is shown the door has not been served either.
    if (client.received == 0 && (answers || client.has_ended)) return false;
  }
  return true;
}

void QuickPlayer::Impl::play_case(const CasePlan& planned) {
  for (const Block& block : planned.blocks) play_block(block);
  server_.rest();
  if (is_alive() && !verdict_.suspicion) server_.look_for_stall(verdict_);
  if (is_alive()) server_.look_for_spin(verdict_, clients_.octets_sent());
  clients_.finish_all();
}

/// What is kept once, for the next time, does not grow time after time; nor does it forever where
/// room is made for many at once, so it is looked at after more and more times.
std::optional<Suspicion> QuickPlayer::Impl::look_for_leak(const Plan& plan) {
  const std::uint64_t first = server_.held_octets();
  std::uint64_t times = 0;
  for (int more = kFewTimes; more <= kManyTimes; more *= 2) {
    const std::uint64_t before = server_.held_octets();
    for (int i = 0; i < more; ++i, ++times) {
      if (options_.on_play_again) options_.on_play_again();
      // Whatever else is wrong now is not of this input, and the next one will meet it.
      if (play_once(plan)) return std::nullopt;
    }
    if (server_.held_octets() <= before) return std::nullopt;
  }
  return Suspicion{"invariant/memory",
                   fmt::format("{} of the heap more than before, and as many each time",
                               count_of((server_.held_octets() - first) / times, "octet"))};
}

std::optional<Suspicion> QuickPlayer::Impl::play(const Plan& plan) {
  const std::uint64_t held_before = server_.held_octets();
  std::optional<Suspicion> suspicion = play_once(plan);
  const bool may_leak = options_.knows_memory && !suspicion && server_.held_octets() > held_before;
  return may_leak ? look_for_leak(plan) : suspicion;
}

std::optional<Suspicion> QuickPlayer::Impl::play_once(const Plan& plan) {
  verdict_ = {};
  has_settled_ = false;
  clients_.begin();
  const bool has_faults = plan.scenario.needs_simulated_kernel();
  if (has_faults) set_faults(plan.scenario.faults, plan.scenario.schedule);
  play_case(plan.cases.front());
  if (has_faults) set_faults({}, {});
  if (is_alive()) server_.look_for_spin(verdict_, clients_.octets_sent());
  if (is_alive() && !verdict_.suspicion && !is_served(plan.cases.front().probe))
    verdict_.suspect("probe", "a fresh client is not served");
  clients_.finish_all();
  // What the probe has left behind is of this input, not of the next.
  server_.forget_connections();
  if (is_alive() && !verdict_.suspicion) server_.look_for_growth(verdict_);
  if (server_.death())
    return Suspicion{"invariant/alive", "the server died: it " + to_string(*server_.death())};
  return verdict_.suspicion;
}

}  // namespace sockdrill
