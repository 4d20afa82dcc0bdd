#include "harness/play/player.h"

#include <fmt/format.h>

#include "harness/play/client.h"
#include "harness/play/server_steps.h"

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

class Player final {
 public:
  Player(World& world, const Plan& plan, const PlayOptions& options, std::vector<Event>& events)
      : world_(world),
        plan_(plan),
        options_(options),
        loop_(world),
        recorder_(world, events),
        observer_(world, recorder_),
        sampler_(world),
        server_(scene(options.caps)),
        clients_(scene(options.caps)) {
    loop_.should_interrupt = options.should_interrupt;
    if (plan.scenario.needs_simulated_kernel()) loop_.after_wait = [this] { note_struck(); };
  }

  Task<void> run();
  [[nodiscard]] bool was_started() const { return was_started_; }
  [[nodiscard]] bool was_interrupted() const { return loop_.is_interrupted(); }
  Loop& loop() { return loop_; }

 private:
  Scene scene(const Caps& caps) {
    return {world_, loop_, recorder_, observer_, sampler_, plan_, caps};
  }
  Task<bool> begin();
  Task<void> take_baseline();
  Task<void> play_case(const CasePlan& planned, std::size_t index);
  Task<void> play_blocks(const CasePlan& planned);
  Task<void> play_script(const Script& script);
  void note_death(int step);
  void note_struck();
  void begin_faults() {
    if (plan_.scenario.needs_simulated_kernel())
      world_.set_faults(plan_.scenario.faults, plan_.scenario.schedule);
  }
  Task<void> look_after(const CasePlan& planned, const std::string& text, std::uint64_t round);
  [[nodiscard]] bool has_grown(const Resources& now, const Resources& before) const;
  [[nodiscard]] bool has_more_memory(const Resources& now, const Resources& before) const;
  /// A server that was seen to spin when it should rest has its verdict, and whatever follows is
  /// dear.
  [[nodiscard]] bool is_over() {
    return loop_.is_interrupted() || sampler_.has_spun || server_.has_ended(-1);
  }

  World& world_;
  const Plan& plan_;
  const PlayOptions& options_;
  Loop loop_;
  Recorder recorder_;
  Observer observer_;
  Sampler sampler_;
  ServerSteps server_;
  Clients clients_;
  bool was_started_ = false;
  std::uint64_t dropped_ = 0;
  Resources last_;
  Nanoseconds next_death_look_{0};
};

Task<void> Player::play_script(const Script& script) {
  for (const PlannedStep& step : script) {
    co_await loop_.yield();
    if (loop_.is_interrupted()) co_return;
    if (std::holds_alternative<ServerAction>(step.action)) {
      co_await server_.act(step);
    } else {
      co_await clients_.act(step);
    }
    note_death(step.id);
  }
}

/// A death belongs onto the timeline where it became known, which is soon: steps may be many and
/// short.
void Player::note_death(int step) {
  if (loop_.now() < next_death_look_) return;
  static_cast<void>(server_.has_ended(step));
  next_death_look_ = loop_.now() + 200us;
}

void Player::note_struck() {
  for (const Fault& fault : world_.take_struck()) {
    Event& event = recorder_.server(Kind::struck, -1);
    event.text = to_string(fault.call);
    event.number = fault.nth;
    event.detail = effect_of(fault);
  }
}

Task<void> Player::play_blocks(const CasePlan& planned) {
  for (const Block& block : planned.blocks) {
    if (loop_.is_interrupted() || sampler_.has_spun) co_return;
    std::vector<Task<void>> scripts;
    for (const Script& script : block.scripts) scripts.push_back(play_script(script));
    co_await loop_.run_all(scripts, block.at_once);
    if (server_.needs_baseline && !server_.has_ended(-1)) co_await take_baseline();
  }
}

/// What the server holds before anything happens to it, and after it has served one client:
/// whatever is set up on first use is there by then.
Task<void> Player::take_baseline() {
  server_.needs_baseline = false;
  Event& began = recorder_.harness(Kind::probed);
  began.text = "began";
  began.who = "warm-up";
  co_await play_script(plan_.warm_up);
  recorder_.harness(Kind::probed).text = "ended";
  static_cast<void>(co_await server_.settle(WantsRest::any, -1));
  if (plan_.target.declares.polls) static_cast<void>(co_await server_.measure_quiet(100ms, -1));
  server_.baseline = server_.sample("baseline", 0, -1);
  last_ = *server_.baseline;
  dropped_ = world_.dropped_datagrams();
}

Task<bool> Player::begin() {
  if (options_.keeps_server && server_.take_over()) {
    server_.baseline = server_.sample("baseline", 0, -1);
    last_ = *server_.baseline;
    dropped_ = world_.dropped_datagrams();
    co_return was_started_ = true;
  }
  was_started_ = co_await server_.launch(-1);
  if (was_started_) co_await take_baseline();
  if (was_started_ && server_.has_ended(-1) && !world_.left_over().empty()) {
    recorder_.server(Kind::not_listening, -1).text = server_.background_reason();
    was_started_ = false;
  }
  co_return was_started_;
}

bool Player::has_more_memory(const Resources& now, const Resources& before) const {
  return now.resident_bytes > before.resident_bytes + plan_.target.declares.allowed_memory_growth();
}

bool Player::has_grown(const Resources& now, const Resources& before) const {
  return now.descriptors > before.descriptors || now.threads > before.threads ||
         now.processes > before.processes || now.zombies > before.zombies ||
         now.close_wait > before.close_wait || has_more_memory(now, before);
}

/// The end of a case: clients leave in order, the server comes to rest, a fresh client is served,
/// and what the server holds is sampled. A growth gets the time that the server's timers may need
/// before it counts.
Task<void> Player::look_after(const CasePlan& planned, const std::string& text,
                              std::uint64_t round) {
  co_await clients_.finish_all();
  clients_.drop_all();
  const std::uint64_t dropped = world_.dropped_datagrams();
  if (dropped > dropped_) recorder_.harness(Kind::dropped).number = dropped - dropped_;
  dropped_ = dropped;
  if (is_over()) co_return;
  bool is_at_rest = co_await server_.settle(WantsRest::any, -1);
  // They are the case's: the probe is to be served.
  if (plan_.scenario.needs_simulated_kernel()) world_.set_faults({}, {});
  Event& began = recorder_.harness(Kind::probed);
  began.text = "began";
  began.who = "probe";
  co_await play_script(planned.probe);
  clients_.drop_all();
  recorder_.harness(Kind::probed).text = "ended";
  if (is_over()) co_return;
  if (is_at_rest) is_at_rest = co_await server_.settle(WantsRest::any, -1);
  if (is_at_rest && has_grown(world_.sample(), last_))
    static_cast<void>(co_await server_.settle(WantsRest::firm, -1));
  if (has_grown(server_.sample(text, round, -1), last_)) observer_.note("grown", -1);
}

Task<void> Player::play_case(const CasePlan& planned, std::size_t index) {
  Event& began = recorder_.harness(Kind::case_began);
  began.number = index;
  began.text = to_string(planned.bindings);
  begin_faults();
  co_await play_blocks(planned);
  co_await look_after(planned, "after", 0);
  if (is_over()) co_return;
  Resources now = world_.sample();
  const auto goes_on = [&](int round) {
    return round <= options_.rounds
               ? has_grown(now, last_)
               : round <= options_.memory_rounds && has_more_memory(now, last_);
  };
  for (int round = 1; goes_on(round); ++round) {
    recorder_.harness(Kind::round_began).number = static_cast<std::uint64_t>(round);
    last_ = now;
    begin_faults();
    co_await play_blocks(planned);
    co_await look_after(planned, "round", static_cast<std::uint64_t>(round));
    if (is_over()) co_return;
    now = world_.sample();
  }
  last_ = now;
}

Task<void> Player::run() {
  const bool has_begun = co_await begin();
  for (std::size_t i = 0; has_begun && i < plan_.cases.size() && !is_over(); ++i) {
    if (i > 0 && plan_.scenario.fresh_server_each_case) {
      co_await server_.stop(plan_.target.declares.stops_on, -1);
      const bool is_up = co_await begin();
      if (!is_up) break;
    }
    co_await play_case(plan_.cases[i], i);
  }
  clients_.drop_all();
  if (plan_.scenario.needs_simulated_kernel()) world_.set_faults({}, {});
  if (!options_.keeps_server) co_await server_.stop(plan_.target.declares.stops_on, -1);
}

}  // namespace

Played play(World& world, const Plan& plan, const PlayOptions& options) {
  Played played;
  if (options.on_begin) options.on_begin(played.recording.events);
  Player player(world, plan, options, played.recording.events);
  Task<void> run = player.run();
  player.loop().run(run);
  played.was_started = player.was_started();
  played.was_interrupted = player.was_interrupted();
  played.out = world.output_of(Instance::first, false);
  played.err = world.output_of(Instance::first, true);
  return played;
}

}  // namespace sockdrill
