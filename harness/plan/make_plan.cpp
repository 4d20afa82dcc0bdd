#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "harness/base/overload.h"
#include "harness/base/try.h"
#include "harness/plan/resolve.h"

namespace sockdrill {

namespace {

constexpr std::size_t kMostSteps = 500000;
constexpr std::size_t kMostOffsets = 256;
constexpr std::uint64_t kChargenLine = 74;  // RFC 864: 72 characters, CR, LF

/// Plans one case: walks the steps in order and keeps what each client has said so far.
class CasePlanner final {
 public:
  CasePlanner(const Document& document, const ResolveContext& context, int& next_id)
      : document_(document), context_(context), next_id_(next_id) {}

  std::string out_of_bounds;

  Result<std::vector<Block>> plan(const std::vector<Step>& steps) {
    std::vector<Block> blocks;
    TRY_VOID(add_steps(steps, blocks));
    return blocks;
  }

  /// A connection of its own, an exchange, an orderly end.
  Result<Script> plan_probe(const std::string& client) {
    Script script;
    const bool is_datagram =
        keeps_boundaries(context_.target.transport) && !is_connected(context_.target.transport);
    TRY_VOID(add_action(is_datagram ? ClientAction(Open{}) : ClientAction(Connect{}), client, "",
                        script));
    TRY_VOID(add_action(ExchangeStep{.payload = Payload{.kind = Payload::Kind::request}}, client,
                        "", script));
    TRY_VOID(add_action(Close{}, client, "", script));
    return script;
  }

 private:
  Result<void> add_steps(const std::vector<Step>& steps, std::vector<Block>& blocks) {
    for (const Step& step : steps) {
      TRY_VOID(std::visit([&](const auto& what) { return add(what, step, blocks); }, step.what));
    }
    return {};
  }

  Result<void> add(const ClientStep& step, const Step& whole, std::vector<Block>& blocks) {
    Script script;
    TRY_VOID(add_action(step.action, step.client, whole.pointer, script));
    for (PlannedStep& planned : script) blocks.push_back(Block{.scripts = {{std::move(planned)}}});
    return {};
  }

  Result<void> add(const ServerStep& step, const Step& whole, std::vector<Block>& blocks) {
    PlannedStep planned{
        .id = next_id_++, .action = step.action, .pointer = whole.pointer, .text = {}};
    blocks.push_back(Block{.scripts = {{std::move(planned)}}});
    return {};
  }

  Result<void> add(const CrowdStep& step, const Step& whole, std::vector<Block>& blocks) {
    if (step.count) crowds_[step.name] = *step.count;
    const std::uint64_t count = crowds_[step.name];  // check_steps() has seen that it is there
    Block block{.at_once = static_cast<std::size_t>(step.at_once.value_or(count))};
    for (std::uint64_t i = 1; i <= count; ++i) {
      Script script;
      for (std::size_t k = 0; k < step.each.size(); ++k) {
        TRY_VOID(add_action(step.each[k], fmt::format("{}{}", step.name, i),
                            step.pointers.empty() ? whole.pointer : step.pointers[k], script));
      }
      block.scripts.push_back(std::move(script));
    }
    blocks.push_back(std::move(block));
    return {};
  }

  Result<void> add(const RepeatStep& step, const Step& /*whole*/, std::vector<Block>& blocks) {
    for (std::uint64_t i = 0; i < step.times; ++i) TRY_VOID(add_steps(step.steps, blocks));
    return {};
  }

  Result<void> add_action(const ClientAction& action, const std::string& client,
                          const std::string& pointer, Script& script) {
    if (static_cast<std::size_t>(next_id_) > kMostSteps)
      return at(pointer, fmt::format("the script unrolls to more than {} steps",
                                     with_separators(kMostSteps)));
    const auto put = [&](PlannedAction planned) {
      script.push_back(PlannedStep{.id = next_id_++,
                                   .client = client,
                                   .action = std::move(planned),
                                   .pointer = pointer,
                                   .text = {}});
      return Result<void>{};
    };
    return std::visit(
        Overload{[&](const Send& send) { return add_send(send, client, pointer, put); },
                 [&](const Expect& expect) { return add_expect(expect, client, pointer, put); },
                 [&](const ExchangeStep& exchange) {
                   return add_exchange(exchange, client, pointer, put);
                 },
                 [&](const Run& run) { return add_run(run, client, pointer, put); },
                 [&](const auto& other) { return put(other); }},
        action);
  }

  /// Resolves; notes a bound of the target that is broken; puts the place onto errors.
  Result<Resolved> take(const Payload& payload, const std::string& client,
                        const std::string& pointer) {
    Result<Resolved> resolved = resolve(payload, client, states_[client], context_);
    if (!resolved) return tl::unexpected(document_.error_at(pointer, resolved.error().message));
    if (!resolved->out_of_bounds.empty() && out_of_bounds.empty())
      out_of_bounds = resolved->out_of_bounds;
    return resolved;
  }

  template <typename Put>
  Result<void> add_send(const Send& send, const std::string& client, const std::string& pointer,
                        const Put& put) {
    const Resolved resolved = TRY(take(send.payload, client, pointer));
    // A server that is not asked (daytime over TCP) has nothing to be sent; the step stays, and
    // sends nothing.
    PlannedSend planned{.content = resolved.content,
                        .urgent = send.urgent,
                        .until_blocked = send.until_blocked,
                        .reads_meanwhile = send.reads_meanwhile,
                        .to = send.to};
    if (!send.fails.empty()) planned.fails = errno_named(send.fails);
    planned.cuts = TRY(cuts_of(send.cut, resolved.content.size(), pointer));
    return put(std::move(planned));
  }

  Result<std::vector<std::uint64_t>> cuts_of(const Cut& cut, std::uint64_t size,
                                             const std::string& pointer) {
    std::vector<std::uint64_t> cuts;
    if (cut.kind != Cut::Kind::none && keeps_boundaries(context_.target.transport))
      return at(pointer,
                "a message cannot be cut where boundaries are kept (datagrams, seqpackets)");
    if (cut.kind == Cut::Kind::every_byte) {
      if (size > 65536) return at(pointer, "cut at every byte: more than 65,536 bytes");
      for (std::uint64_t offset = 1; offset < size; ++offset) cuts.push_back(offset);
    }
    for (const std::uint64_t offset : cut.at) {
      if (offset < size) cuts.push_back(offset);
    }
    return cuts;
  }

  template <typename Put>
  Result<void> add_expect(const Expect& expect, const std::string& client,
                          const std::string& pointer, const Put& put) {
    PlannedExpect planned{.within_ms = expect.within_ms};
    for (const Outcome& outcome : expect.one_of)
      planned.one_of.push_back(TRY(plan_outcome(outcome, client, pointer)));
    return put(std::move(planned));
  }

  Result<PlannedOutcome> plan_outcome(const Outcome& outcome, const std::string& client,
                                      const std::string& pointer) {
    PlannedOutcome planned{.what = outcome.what,
                           .is_sent = outcome.is_sent,
                           .number = outcome.number,
                           .then = outcome.then,
                           .is_warning = outcome.is_warning,
                           .because = outcome.because};
    const bool has_octets = outcome.what == Outcome::What::octets ||
                            (outcome.what == Outcome::What::message && !outcome.is_sent);
    // What is expected must not move the patterns on: it names octets, it sends none.
    ClientState& state = states_[client];
    const ClientState before = state;
    if (has_octets) planned.content = TRY(take(outcome.payload, client, pointer)).content;
    state = before;
    if (outcome.what != Outcome::What::reply) return planned;
    PlannedOutcome reply = reply_outcome(static_cast<std::size_t>(outcome.number), states_[client]);
    if (planned.then != Then::unsaid) reply.then = planned.then;
    reply.is_warning = planned.is_warning;
    reply.because = planned.because;
    return reply;
  }

  /// What a served request looks like, for each style.
  PlannedOutcome reply_outcome(std::size_t index, const ClientState& state) {
    const Dialogue& dialogue = context_.target.speaks;
    if (dialogue.style == Style::sink) return PlannedOutcome{.what = Outcome::What::served};
    if (dialogue.style == Style::source)
      return PlannedOutcome{.what = Outcome::What::at_least, .number = kChargenLine};
    const std::size_t exchange = index % dialogue.exchanges.size();
    const auto values = state.last_values.find(exchange);
    PlannedOutcome outcome{.what = Outcome::What::reply,
                           .reply = dialogue.exchanges[exchange].reply};
    if (values != state.last_values.end())
      outcome.values = values->second;
    else
      outcome.values = draw_fields(dialogue.exchanges[exchange], context_.seed);
    if (dialogue.exchanges[exchange].then_fin) outcome.then = Then::fin;
    return outcome;
  }

  template <typename Put>
  Result<void> add_exchange(const ExchangeStep& exchange, const std::string& client,
                            const std::string& pointer, const Put& put) {
    if (exchange.cut.kind != Cut::Kind::every_offset)
      return add_one_exchange(exchange.payload, exchange.cut, client, pointer, put);
    ClientState trial = states_[client];
    const std::uint64_t size =
        TRY(resolve(exchange.payload, client, trial, context_)).content.size();
    if (keeps_boundaries(context_.target.transport))
      return at(pointer,
                "a message cannot be cut where boundaries are kept (datagrams, seqpackets)");
    // All offsets of an ordinary request; of a huge one the first and the last ones and a spread
    // between them.
    const std::uint64_t step = size <= kMostOffsets ? 1 : size / kMostOffsets;
    if (size < 2) return add_one_exchange(exchange.payload, Cut{}, client, pointer, put);
    for (std::uint64_t offset = 1; offset < size;
         offset += (offset < 64 || offset + 64 > size) ? 1 : step) {
      TRY_VOID(add_one_exchange(exchange.payload, Cut{.kind = Cut::Kind::at, .at = {offset}},
                                client, pointer, put));
    }
    return {};
  }

  template <typename Put>
  Result<void> add_one_exchange(const Payload& payload, const Cut& cut, const std::string& client,
                                const std::string& pointer, const Put& put) {
    const Resolved resolved = TRY(take(payload, client, pointer));
    if (!resolved.out_of_bounds.empty()) return {};  // the whole case is left out
    const Dialogue& dialogue = context_.target.speaks;
    const bool is_asked = dialogue.style != Style::announce && dialogue.style != Style::source;
    if (is_asked || !resolved.content.empty()) {
      PlannedSend send{.content = resolved.content};
      send.cuts = TRY(cuts_of(cut, resolved.content.size(), pointer));
      TRY_VOID(put(std::move(send)));
    }
    PlannedOutcome outcome;
    if (resolved.request) {
      ClientState state;
      state.last_values[resolved.request->exchange] = resolved.request->values;
      outcome = reply_outcome(resolved.request->exchange, state);
    } else if (dialogue.style == Style::echo) {
      outcome.what = keeps_boundaries(context_.target.transport) ? Outcome::What::message
                                                                 : Outcome::What::octets;
      outcome.content = resolved.content;
    } else if (dialogue.style == Style::sink) {
      outcome.what = Outcome::What::served;
    } else {
      return at(pointer,
                "an exchange of octets of its own needs a server that echoes: ask for a request of "
                "the dialogue (\"request\": 0)");
    }
    return put(PlannedExpect{.one_of = {std::move(outcome)}});
  }

  template <typename Put>
  Result<void> add_run(const Run& run, const std::string& client, const std::string& pointer,
                       const Put& put) {
    PlannedRun planned{.command = run.command, .exit = run.exit};
    planned.input = TRY(take(run.input, client, pointer)).content;
    if (run.output) planned.output = TRY(take(*run.output, client, pointer)).content;
    if (run.output_is_input) planned.output = planned.input;
    return put(std::move(planned));
  }

  [[nodiscard]] tl::unexpected<Error> at(const std::string& pointer,
                                         const std::string& message) const {
    return tl::unexpected<Error>(document_.error_at(pointer, message));
  }

  const Document& document_;
  const ResolveContext& context_;
  int& next_id_;
  std::map<std::string, ClientState> states_;
  std::map<std::string, std::uint64_t> crowds_;
};

Result<void> check_only(const Check& check, const Bindings& only) {
  for (const auto& [name, value] : only) {
    if (check.cases[0].count(name) == 0) {
      std::vector<std::string> names;
      for (const auto& [known, unused] : check.cases[0]) names.push_back(known);
      return fail(fmt::format("{} has no parameter '{}'{}", check.first.id, name,
                              names.empty() ? "" : ": expected " + join_or(names)),
                  "--set");
    }
  }
  const bool has_any = std::any_of(check.cases.begin(), check.cases.end(),
                                   [&](const Bindings& b) { return agrees(b, only); });
  if (!has_any)
    return fail(fmt::format("{} has no case with {}", check.first.id, to_string(only)), "--set");
  return {};
}

/// A plan without cases yet.
Result<Plan> begin_plan(const Scenario& scenario, const Document& document,
                        const ResolveContext& context, int& next_id) {
  Plan plan{.scenario = scenario,
            .target = context.target,
            .seed = context.seed,
            .needs_broadcast_link = scenario.applies.broadcast_link};
  plan.warm_up = TRY(CasePlanner(document, context, next_id).plan_probe("warm-up"));
  return plan;
}

/// A case that the target's bounds leave out adds nothing but the reason.
Result<void> add_case(Plan& plan, const Scenario& scenario, const Bindings& bindings,
                      const Document& document, const ResolveContext& context, int& next_id) {
  plan.needs_low_ports |= has_server_action(scenario.steps, [](const ServerAction& action) {
    const auto* second = std::get_if<Second>(&action);
    return second != nullptr && second->port == Second::Port::privileged;
  });
  plan.needs_process_limit |= has_server_action(scenario.steps, [](const ServerAction& action) {
    const auto* limit = std::get_if<Limit>(&action);
    return limit != nullptr && limit->of == Limit::Of::processes;
  });
  CasePlanner planner(document, context, next_id);
  CasePlan planned{.bindings = bindings};
  const int first_id = next_id;
  planned.blocks = TRY(planner.plan(scenario.steps));
  planned.probe = TRY(planner.plan_probe("probe"));
  if (planner.out_of_bounds.empty()) {
    plan.cases.push_back(std::move(planned));
  } else {
    next_id = first_id;
    plan.left_out = planner.out_of_bounds;
  }
  return {};
}

}  // namespace

void describe_steps(Plan& plan) {
  for (Script* script : scripts_of(plan)) {
    for (PlannedStep& step : *script) step.text = describe(step);
  }
}

Result<Plan> make_plan(const Check& check, const Target& target, const PlanOptions& options) {
  TRY_VOID(check_steps(check, target.transport));
  TRY_VOID(check_only(check, options.only));
  const ResolveContext context{
      .target = target, .seed = options.seed, .base_dir = options.base_dir};
  int next_id = 0;
  Plan plan = TRY(begin_plan(check.first, check.document, context, next_id));
  for (const Bindings& bindings : check.cases) {
    if (!agrees(bindings, options.only)) continue;
    const Scenario scenario = TRY(read_scenario(check.document, bindings));
    TRY_VOID(add_case(plan, scenario, bindings, check.document, context, next_id));
  }
  describe_steps(plan);
  return plan;
}

Result<Plan> make_plan(const Scenario& scenario, const Target& target, const PlanOptions& options) {
  static const Document nowhere{.file = "<scenario>"};
  TRY_VOID(check_steps(scenario, nowhere, target.transport));
  const ResolveContext context{
      .target = target, .seed = options.seed, .base_dir = options.base_dir};
  int next_id = 0;
  Plan plan = TRY(begin_plan(scenario, nowhere, context, next_id));
  TRY_VOID(add_case(plan, scenario, {}, nowhere, context, next_id));
  return plan;
}

}  // namespace sockdrill
