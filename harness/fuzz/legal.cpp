#include "harness/fuzz/legal.h"

#include <algorithm>
#include <map>

#include "harness/base/overload.h"
#include "harness/plan/step_walk.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

using LegalKind = Payload::Kind;

constexpr std::uint64_t kHuge = std::uint64_t{1} << 40U;  // Sums and products stop here.
constexpr std::uint64_t kPieceInOctets = 256;
constexpr std::uint64_t kMostCutAtEveryByte = 65'536;
constexpr std::uint64_t kMostOffsetsPlayed = 512;  // A bound on what make_plan() takes.
constexpr std::uint64_t kDrawnOctets = 64;

std::uint64_t sum(std::uint64_t a, std::uint64_t b) { return std::min(a + b, kHuge); }
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return a != 0 && b > kHuge / a ? kHuge : std::min(a * b, kHuge);
}

std::uint64_t largest_size(const Payload& payload, const Target& target);

std::uint64_t largest_field(const std::string& name, const Payload& request,
                            const Exchange& exchange, const Target& target) {
  for (const auto& [given, value] : request.fields) {
    if (given == name) return largest_size(value, target);
  }
  const Field* field = exchange.field(name);
  if (field == nullptr) return 0;
  std::uint64_t size = std::max<std::uint64_t>(field->min_bytes, kDrawnOctets);
  for (const Bytes& choice : field->one_of) size = std::max<std::uint64_t>(size, choice.size());
  return request.is_sized ? std::max(size, request.number) : size;
}

std::uint64_t largest_request(const Payload& request, const Target& target) {
  const Exchange* exchange = exchange_of(request, target.speaks);
  std::uint64_t size = kDrawnOctets;  // What servers are sent that are asked nothing.
  if (exchange == nullptr) return size;
  for (const Part& part : exchange->request) {
    size = sum(size, part.kind == Part::Kind::literal ? part.literal.size() : 20);
    if (part.kind == Part::Kind::field)
      size = sum(size, largest_field(part.field, request, *exchange, target));
  }
  return size;
}

std::uint64_t largest_whole(const Payload& payload, const Target& target) {
  switch (payload.kind) {
    case LegalKind::text:
    case LegalKind::hex:
    case LegalKind::base64:
      return payload.bytes.size();
    case LegalKind::cstr:
      return payload.bytes.size() + 1;
    case LegalKind::integer:
    case LegalKind::length_of:
      return 4;
    case LegalKind::varint:
      return 10;
    case LegalKind::file:
      return kMostOctets;
    case LegalKind::pattern:
      return payload.number;
    case LegalKind::request:
      return largest_request(payload, target);
    case LegalKind::repeat:
      return product(payload.number, largest_size(payload.parts.at(0), target));
    case LegalKind::join: {
      std::uint64_t size = 0;
      for (const Payload& part : payload.parts) size = sum(size, largest_size(part, target));
      return size;
    }
  }
  return 0;
}

/// At most so many octets, whatever is drawn.
std::uint64_t largest_size(const Payload& payload, const Target& target) {
  const std::uint64_t size = largest_whole(payload, target);
  if (!payload.first) return size;
  return payload.first->is_half ? size / 2 + 1 : std::min(size, payload.first->octets);
}

/// Octets that come into being on the way to the payload, also those that are then cut off or only
/// measured.
std::uint64_t effort(const Payload& payload, const Target& target) {
  std::uint64_t octets = largest_whole(payload, target);
  for (const Payload& part : payload.parts) octets = sum(octets, effort(part, target));
  for (const auto& [name, value] : payload.fields) octets = sum(octets, effort(value, target));
  return octets;
}

/// What an action or a step asks for, unrolled.
struct Cost {
  std::uint64_t steps = 0;
  std::uint64_t octets = 0;
  [[nodiscard]] Cost times(std::uint64_t count) const {
    return {product(steps, count), product(octets, count)};
  }
  [[nodiscard]] Cost operator+(const Cost& other) const {
    return {sum(steps, other.steps), sum(octets, other.octets)};
  }
};

class Repair final {
 public:
  Repair(const Target& target, const Budget& budget)
      : target_(target), left_{budget.steps, budget.octets}, walk_(Applies{}, target.transport) {}

  std::vector<Step> script(std::vector<Step> steps) {
    Cost cost;
    std::vector<Step> repaired = repair_steps(std::move(steps), cost);
    const Walked end = walk_.end("");
    if (!end) repaired.push_back(Step{.what = ServerStep{Continue{}}});
    if (repaired.empty()) repaired.push_back(Step{.what = ServerStep{Settled{}}});
    return repaired;
  }

 private:
  /// `cost` grows by what the steps that stay ask for.
  std::vector<Step> repair_steps(std::vector<Step> steps, Cost& cost) {
    std::vector<Step> repaired;
    for (Step& step : steps) {
      std::visit(
          Overload{[&](ClientStep& s) {
                     const std::size_t count = repaired.size();
                     for (ClientAction& action : repair_action(s.client, s.action, cost))
                       repaired.push_back(Step{.what = ClientStep{s.client, std::move(action)}});
                     if (repaired.size() == count) return;
                     repaired.back().note = step.note;
                     repaired.back().pointer = step.pointer;
                   },
                   [&](ServerStep& s) {
                     fit_place(s.action);
                     if (pays({.steps = 1}) && walk_.add(step)) {
                       pay({.steps = 1}, cost);
                       repaired.push_back(step);
                     }
                   },
                   [&](CrowdStep& s) {
                     if (repair_crowd(s, cost)) repaired.push_back(step);
                   },
                   [&](RepeatStep& s) {
                     if (repair_repeat(s, cost)) repaired.push_back(step);
                   }},
          step.what);
    }
    return repaired;
  }

  /// None, the action, or a connect before it.
  std::vector<ClientAction> repair_action(const std::string& client, ClientAction action,
                                          Cost& cost) {
    const Cost asked = fit(action);
    if (!pays(asked)) return {};
    const auto walk = [&](const ClientAction& step) {
      return walk_.add(Step{.what = ClientStep{client, step}}).has_value();
    };
    if (walk(action)) {
      pay(asked, cost);
      return {std::move(action)};
    }
    const bool wants_connection = std::holds_alternative<Send>(action) ||
                                  std::holds_alternative<ExchangeStep>(action) ||
                                  std::holds_alternative<Expect>(action);
    const Cost with_connect = asked + Cost{.steps = 1};
    if (!wants_connection || !pays(with_connect)) return {};
    const StepWalk before = walk_;
    if (walk(Connect{}) && walk(action)) {
      pay(with_connect, cost);
      return {Connect{}, std::move(action)};
    }
    walk_ = before;
    return {};
  }

  bool repair_crowd(CrowdStep& crowd, Cost& cost) {
    const StepWalk before = walk_;
    const auto there = crowds_.find(crowd.name);
    if (!crowd.count && there == crowds_.end()) return false;
    const std::uint64_t count = crowd.count ? *crowd.count : there->second;
    CrowdStep head = crowd;
    head.each.clear();
    head.pointers.clear();
    if (!walk_.add(Step{.what = head})) return false;
    // In the walk, all members of a crowd are one client of this name.
    const std::string member = crowd.name + "*";
    const Cost left_before = left_;
    Cost of_one;
    crowd.pointers.resize(crowd.each.size());
    for (std::size_t i = 0; i < crowd.each.size(); ++i) {
      for (ClientAction& action : repair_action(member, std::move(crowd.each[i]), of_one)) {
        head.each.push_back(std::move(action));
        head.pointers.push_back(crowd.pointers[i]);
      }
    }
    left_ = left_before;
    const std::uint64_t affordable = affordable_times(of_one);
    if (head.each.empty() || affordable == 0 || (!crowd.count && affordable < count)) {
      walk_ = before;
      return false;
    }
    crowd = std::move(head);
    if (crowd.count) crowds_[crowd.name] = *(crowd.count = std::min(count, affordable));
    pay(of_one.times(crowds_[crowd.name]), cost);
    return true;
  }

  bool repair_repeat(RepeatStep& repeat, Cost& cost) {
    if (depth_ >= kDeepestRepeat) return false;
    const StepWalk before = walk_;
    const auto crowds_before = crowds_;
    const Cost left_before = left_;
    Cost of_one;
    ++depth_;
    repeat.steps = repair_steps(std::move(repeat.steps), of_one);
    --depth_;
    left_ = left_before;
    repeat.times = std::min(repeat.times, affordable_times(of_one));
    if (repeat.steps.empty() || repeat.times == 0) {
      walk_ = before;
      crowds_ = crowds_before;
      return false;
    }
    // The second time round begins where the first one ended.
    StepWalk second = walk_;
    if (repeat.times > 1 && second.add(repeat.steps))
      walk_ = second;
    else
      repeat.times = 1;
    pay(of_one.times(repeat.times), cost);
    return true;
  }

  [[nodiscard]] bool pays(const Cost& asked) const {
    return asked.steps <= left_.steps && asked.octets <= left_.octets;
  }
  void pay(const Cost& asked, Cost& cost) {
    left_.steps -= asked.steps;
    left_.octets -= asked.octets;
    cost = cost + asked;
  }
  [[nodiscard]] std::uint64_t affordable_times(const Cost& one) const {
    const std::uint64_t by_steps = one.steps == 0 ? kHuge : left_.steps / one.steps;
    const std::uint64_t by_octets = one.octets == 0 ? kHuge : left_.octets / one.octets;
    return std::min(by_steps, by_octets);
  }

  /// Nobody is told an address of a kind that is not its own.
  void fit_place(ServerAction& action) const {
    const bool has_path = is_unix(target_.transport);
    if (auto* second = std::get_if<Second>(&action)) {
      if (has_path) second->port = Second::Port::usual;
      if (!has_path) second->path_bytes.reset();
    }
    if (auto* restart = std::get_if<Restart>(&action); restart != nullptr && !has_path)
      restart->path_bytes.reset();
  }

  /// Brings an action within what the target can be asked for, and says what it costs.
  Cost fit(ClientAction& action) {
    if (auto* exchange = std::get_if<ExchangeStep>(&action)) {
      const Style style = target_.speaks.style;
      const bool needs_dialogue = style != Style::echo && style != Style::sink;
      if (!needs_dialogue || exchange->payload.kind == LegalKind::request)
        return fit_exchange(*exchange);
      const bool is_every_offset = exchange->cut.kind == Cut::Kind::every_offset;
      action = Send{.payload = std::move(exchange->payload),
                    .cut = is_every_offset ? Cut{} : std::move(exchange->cut)};
    }
    if (auto* send = std::get_if<Send>(&action)) {
      fit_payload(send->payload);
      fit_cut(send->cut, largest_size(send->payload, target_));
      return {.steps = 1, .octets = effort_of(send->payload, send->cut)};
    }
    if (auto* expect = std::get_if<Expect>(&action)) {
      std::uint64_t size = 0;
      for (Outcome& outcome : expect->one_of) {
        fit_payload(outcome.payload);
        size = sum(size, effort(outcome.payload, target_));
      }
      return {.steps = 1, .octets = size};
    }
    return {.steps = 1};
  }

  Cost fit_exchange(ExchangeStep& exchange) {
    fit_payload(exchange.payload);
    const std::uint64_t size = largest_size(exchange.payload, target_);
    fit_cut(exchange.cut, size);
    const Cost once{.steps = 2, .octets = effort_of(exchange.payload, exchange.cut)};
    if (exchange.cut.kind != Cut::Kind::every_offset) return once;
    return once.times(std::clamp<std::uint64_t>(size, 1, kMostOffsetsPlayed));
  }

  /// Octets that go out one by one are as dear as many that go out together.
  [[nodiscard]] std::uint64_t effort_of(const Payload& payload, const Cut& cut) const {
    const std::uint64_t octets = effort(payload, target_);
    return cut.kind == Cut::Kind::every_byte ? product(octets, kPieceInOctets) : octets;
  }

  void fit_cut(Cut& cut, std::uint64_t size) const {
    const bool is_too_fine = cut.kind == Cut::Kind::every_byte && size > kMostCutAtEveryByte;
    if (keeps_boundaries(target_.transport) || is_too_fine) cut = Cut{};
  }

  void fit_payload(Payload& payload, int depth = 0) {
    const bool is_nested = !payload.parts.empty() || !payload.fields.empty();
    if (is_nested && depth >= kDeepestPayload) payload = Payload{};
    for (Payload& part : payload.parts) fit_payload(part, depth + 1);
    for (auto& [name, value] : payload.fields) fit_payload(value, depth + 1);
    if (payload.kind == LegalKind::request) fit_request(payload);
    if (payload.kind == LegalKind::file) payload = Payload{};
    if (payload.kind == LegalKind::pattern) payload.number = std::min(payload.number, left_.octets);
    if (payload.kind == LegalKind::repeat) {
      const std::uint64_t one = std::max<std::uint64_t>(largest_size(payload.parts[0], target_), 1);
      payload.number = std::min(payload.number, std::min(left_.octets, kMostOctets) / one);
    }
  }

  void fit_request(Payload& request) const {
    if (request.is_sized) {
      const std::optional<SizedField> field = sized_field(target_.speaks);
      std::uint64_t most = std::min(left_.octets, target_.declares.max_message.value_or(kHuge));
      if (field) most = std::min<std::uint64_t>(most, field->max_bytes);
      request.is_sized = field && field->min_bytes <= most;
      request.number =
          request.is_sized ? std::clamp<std::uint64_t>(request.number, field->min_bytes, most) : 0;
    }
    const Exchange* exchange = exchange_of(request, target_.speaks);
    const auto is_foreign = [&](const auto& field) {
      return exchange == nullptr || exchange->field(field.first) == nullptr;
    };
    request.fields.erase(std::remove_if(request.fields.begin(), request.fields.end(), is_foreign),
                         request.fields.end());
  }

  const Target& target_;
  Cost left_;
  int depth_ = 0;  ///< of repeats
  StepWalk walk_;
  std::map<std::string, std::uint64_t> crowds_;
};

}  // namespace

const Exchange* exchange_of(const Payload& request, const Dialogue& dialogue) {
  if (dialogue.exchanges.empty()) return nullptr;
  if (const auto sized = sized_field(dialogue); request.is_sized && sized)
    return &dialogue.exchanges[sized->exchange];
  return &dialogue.exchanges[static_cast<std::size_t>(request.number) % dialogue.exchanges.size()];
}

Scenario make_legal(Scenario scenario, const Target& target, const Budget& budget) {
  scenario.steps = Repair(target, budget).script(std::move(scenario.steps));
  return scenario;
}

}  // namespace sockdrill
