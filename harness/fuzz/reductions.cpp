#include "harness/fuzz/reductions.h"

#include <algorithm>

#include "harness/fuzz/steps.h"

namespace sockdrill {

namespace {

using ReducedKind = Payload::Kind;

/// Where something stands in a scenario, for a copy of it.
template <typename T>
using Place = std::function<T&(Scenario&)>;

/// Halves, quarters ... single items of a list, of which `least` stay: delta debugging.
template <typename Visit>
void for_each_piece(std::size_t size, std::size_t least, const Visit& visit) {
  for (std::size_t piece = size; piece > 0; piece = piece == 1 ? 0 : (piece + 1) / 2) {
    for (std::size_t at = 0; at < size; at += piece) {
      const std::size_t count = std::min(piece, size - at);
      if (size - count >= least) visit(at, count);
    }
  }
}

/// `List` is a vector or a string.
template <typename List>
void leave_out(std::vector<Reduction>& reductions, const Place<List>& place, std::size_t size,
               std::size_t least = 0) {
  for_each_piece(size, least, [&](std::size_t at, std::size_t count) {
    reductions.push_back([place, at, count](Scenario& scenario) {
      List& list = place(scenario);
      const auto from = list.begin() + static_cast<std::ptrdiff_t>(at);
      list.erase(from, from + static_cast<std::ptrdiff_t>(count));
    });
  });
}

template <typename T>
void lower(std::vector<Reduction>& reductions, const Place<T>& place, T value, T least) {
  // By all, a half, a quarter ... one: what is just enough is found in steps that halve.
  for (T less = value > least ? value - least : 0; less > 0; less /= 2) {
    const T lowered = value - less;
    reductions.push_back([place, lowered](Scenario& scenario) { place(scenario) = lowered; });
  }
}

template <typename T>
void make_usual(std::vector<Reduction>& reductions, const Place<T>& place, const T& value) {
  if (value == T{}) return;
  reductions.push_back([place](Scenario& scenario) { place(scenario) = T{}; });
}

using StepList = std::vector<Step>;

void add_steps_of(std::vector<Reduction>& reductions, const StepList& steps,
                  const Place<StepList>& place) {
  leave_out(reductions, place, steps.size(), 1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto unfold_it = [place, i](Scenario& s) { unfold(place(s), i); };
    if (const auto* repeat = std::get_if<RepeatStep>(&steps[i].what)) {
      const auto repeat_at = [place, i](Scenario& s) -> RepeatStep& {
        return std::get<RepeatStep>(place(s)[i].what);
      };
      reductions.emplace_back(unfold_it);
      lower<std::uint64_t>(
          reductions, [repeat_at](Scenario& s) -> std::uint64_t& { return repeat_at(s).times; },
          repeat->times, 1);
      add_steps_of(reductions, repeat->steps,
                   [repeat_at](Scenario& s) -> StepList& { return repeat_at(s).steps; });
    }
    const auto* crowd = std::get_if<CrowdStep>(&steps[i].what);
    if (crowd == nullptr) continue;
    const auto crowd_at = [place, i](Scenario& s) -> CrowdStep& {
      return std::get<CrowdStep>(place(s)[i].what);
    };
    reductions.emplace_back(unfold_it);
    if (crowd->count)
      lower<std::uint64_t>(
          reductions, [crowd_at](Scenario& s) -> std::uint64_t& { return *crowd_at(s).count; },
          *crowd->count, 1);
    leave_out<std::vector<ClientAction>>(
        reductions,
        [crowd_at](Scenario& s) -> std::vector<ClientAction>& { return crowd_at(s).each; },
        crowd->each.size(), 1);
  }
}

Payload& payload_at(Scenario& scenario, std::size_t index) {
  std::vector<Payload*> all;
  for_each_payload(scenario.steps, [&](Payload& payload) { all.push_back(&payload); });
  return *all[index];
}

ClientAction& action_at(Scenario& scenario, std::size_t index) {
  std::vector<ClientAction*> all;
  for_each_action(scenario.steps, [&](ClientAction& action) { all.push_back(&action); });
  return *all[index];
}

void add_payload(std::vector<Reduction>& reductions, const Payload& payload, std::size_t index) {
  const Place<Payload> place = [index](Scenario& s) -> Payload& { return payload_at(s, index); };
  if (payload.kind == ReducedKind::repeat)
    reductions.push_back([place](Scenario& s) {
      Payload part = place(s).parts.at(0);
      place(s) = std::move(part);
    });
  if (payload.kind == ReducedKind::join)
    leave_out<std::vector<Payload>>(
        reductions, [place](Scenario& s) -> std::vector<Payload>& { return place(s).parts; },
        payload.parts.size());
  leave_out<Bytes>(
      reductions, [place](Scenario& s) -> Bytes& { return place(s).bytes; }, payload.bytes.size());
  lower<std::uint64_t>(
      reductions, [place](Scenario& s) -> std::uint64_t& { return place(s).number; },
      payload.number, 0);
  leave_out<std::vector<std::pair<std::string, Payload>>>(
      reductions, [place](Scenario & s) -> auto& { return place(s).fields; },
      payload.fields.size());
  make_usual<std::optional<Point>>(
      reductions, [place](Scenario & s) -> auto& { return place(s).first; }, payload.first);
  make_usual<std::optional<Point>>(
      reductions, [place](Scenario & s) -> auto& { return place(s).after; }, payload.after);
}

/// Fewer cuts, and the usual buffers and addresses.
void add_action(std::vector<Reduction>& reductions, const ClientAction& action, std::size_t index) {
  const auto add_cut = [&](const Cut& cut, const Place<Cut>& place) {
    make_usual<Cut>(reductions, place, cut);
    leave_out<std::vector<std::uint64_t>>(
        reductions, [place](Scenario & s) -> auto& { return place(s).at; }, cut.at.size(), 1);
  };
  if (const auto* send = std::get_if<Send>(&action))
    add_cut(send->cut,
            [index](Scenario& s) -> Cut& { return std::get<Send>(action_at(s, index)).cut; });
  if (const auto* exchange = std::get_if<ExchangeStep>(&action))
    add_cut(exchange->cut, [index](Scenario& s) -> Cut& {
      return std::get<ExchangeStep>(action_at(s, index)).cut;
    });
  if (const auto* connect = std::get_if<Connect>(&action))
    make_usual<Connect>(
        reductions,
        [index](Scenario& s) -> Connect& { return std::get<Connect>(action_at(s, index)); },
        *connect);
}

// Faults are numbered through the whole scenario: those of many steps are left out together.

std::vector<Fault> all_faults(Scenario scenario) {
  std::vector<Fault> all;
  for_each_faults(scenario, [&](std::vector<Fault>& faults, auto&) {
    all.insert(all.end(), faults.begin(), faults.end());
  });
  return all;
}

Fault& fault_at(Scenario& scenario, std::size_t index) {
  std::vector<Fault*> all;
  for_each_faults(scenario, [&](std::vector<Fault>& faults, auto&) {
    for (Fault& fault : faults) all.push_back(&fault);
  });
  return *all[index];
}

void leave_faults_out(Scenario& scenario, std::size_t at, std::size_t count) {
  std::size_t number = 0;
  for_each_faults(scenario, [&](std::vector<Fault>& faults, auto&) {
    std::vector<Fault> left;
    for (Fault& fault : faults) {
      if (number < at || number >= at + count) left.push_back(std::move(fault));
      ++number;
    }
    faults = std::move(left);
  });
}

Schedule& schedule_at(Scenario& scenario, std::size_t index) {
  std::vector<Schedule*> all;
  for_each_faults(scenario, [&](auto&, Schedule& schedule) { all.push_back(&schedule); });
  return *all[index];
}

void add_schedule(std::vector<Reduction>& reductions, const Schedule& schedule,
                  const Place<Schedule>& place) {
  make_usual<std::uint64_t>(
      reductions, [place](Scenario& s) -> std::uint64_t& { return place(s).seed; }, schedule.seed);
  leave_out<std::vector<std::uint8_t>>(
      reductions, [place](Scenario & s) -> auto& { return place(s).choices; },
      schedule.choices.size());
  for (std::size_t i = 0; i < schedule.choices.size(); ++i)
    make_usual<std::uint8_t>(
        reductions, [place, i](Scenario& s) -> std::uint8_t& { return place(s).choices[i]; },
        schedule.choices[i]);
}

}  // namespace

std::vector<Reduction> reductions_of_steps(const Scenario& scenario) {
  std::vector<Reduction> reductions;
  add_steps_of(reductions, scenario.steps, [](Scenario& s) -> StepList& { return s.steps; });
  return reductions;
}

std::vector<Reduction> reductions_of_octets(const Scenario& scenario) {
  std::vector<Reduction> reductions;
  Scenario copy = scenario;
  std::size_t index = 0;
  for_each_action(copy.steps,
                  [&](ClientAction& action) { add_action(reductions, action, index++); });
  index = 0;
  for_each_payload(copy.steps,
                   [&](Payload& payload) { add_payload(reductions, payload, index++); });
  return reductions;
}

std::vector<Reduction> reductions_of_faults(const Scenario& scenario) {
  std::vector<Reduction> reductions;
  const std::vector<Fault> faults = all_faults(scenario);
  for_each_piece(faults.size(), 0, [&](std::size_t at, std::size_t count) {
    reductions.push_back([at, count](Scenario& s) { leave_faults_out(s, at, count); });
  });
  for (std::size_t i = 0; i < faults.size(); ++i)
    lower<std::uint64_t>(
        reductions, [i](Scenario& s) -> std::uint64_t& { return fault_at(s, i).nth; },
        faults[i].nth, 1);
  return reductions;
}

std::vector<Reduction> reductions_of_schedule(const Scenario& scenario) {
  std::vector<Reduction> reductions;
  Scenario copy = scenario;
  std::vector<Schedule> schedules;
  for_each_faults(copy, [&](auto&, Schedule& schedule) { schedules.push_back(schedule); });
  for_each_piece(schedules.size(), 0, [&](std::size_t at, std::size_t count) {
    reductions.push_back([at, count](Scenario& s) {
      for (std::size_t i = at; i < at + count; ++i) schedule_at(s, i) = Schedule{};
    });
  });
  for (std::size_t i = 0; i < schedules.size(); ++i)
    add_schedule(reductions, schedules[i],
                 [i](Scenario& s) -> Schedule& { return schedule_at(s, i); });
  return reductions;
}

}  // namespace sockdrill
