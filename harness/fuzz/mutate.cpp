#include "harness/fuzz/mutate.h"

#include <algorithm>

#include "harness/fuzz/draw.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

/// Steps of both in turns, each in its own order.
std::vector<Step> interleave(const std::vector<Step>& one, const std::vector<Step>& other,
                             Draw& draw) {
  std::vector<Step> steps;
  std::size_t a = 0;
  std::size_t b = 0;
  while (a < one.size() || b < other.size()) {
    const bool takes_one = b == other.size() || (a < one.size() && draw.one_in(2));
    steps.push_back(takes_one ? one[a++] : other[b++]);
  }
  return steps;
}

std::vector<Step> splice(const std::vector<Step>& one, const std::vector<Step>& other, Draw& draw) {
  const auto head = static_cast<std::ptrdiff_t>(draw.between(0, one.size()));
  const auto tail = static_cast<std::ptrdiff_t>(draw.between(0, other.size()));
  std::vector<Step> steps(one.begin(), one.begin() + head);
  steps.insert(steps.end(), other.begin() + tail, other.end());
  return steps;
}

/// So that both conversations go on side by side.
void use_other_names(std::vector<Step>& steps) {
  for (Step& step : steps) {
    if (auto* client = std::get_if<ClientStep>(&step.what);
        client != nullptr && client->client.size() < 8)
      client->client += "-b";
  }
}

Bytes form_of(Scenario scenario, const Target& target, std::size_t most, const Budget& budget) {
  for (;;) {
    scenario = make_legal(std::move(scenario), target, budget);
    Result<Bytes> form = encode(scenario, target, Texts::leave_out);
    // What was decoded can be encoded, but for a number of clients that grows.
    if (form && form->size() <= most) return *std::move(form);
    if (scenario.steps.size() > 1)
      scenario.steps.resize(scenario.steps.size() / 2);
    else if (scenario.faults.empty() && scenario.schedule == Schedule{})
      return Bytes(1, static_cast<char>(kCompactVersion)).substr(0, most);
    scenario.faults.resize(scenario.faults.size() / 2);
    scenario.schedule.choices.resize(scenario.schedule.choices.size() / 2);
    if (scenario.steps.size() == 1 && scenario.faults.empty()) {
      scenario.steps[0] = Step{.what = ServerStep{Settled{}}};
      scenario.schedule = {};
    }
  }
}

}  // namespace

Scenario mutate(Scenario scenario, const Target& target, std::uint64_t seed, const Budget& budget) {
  Draw draw(seed);
  const std::uint64_t changes = draw.between(1, 4);
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::uint64_t kind = draw.below(20);
    if (kind < 8)
      mutate_steps(scenario.steps, target, draw);
    else if (kind < 14 && mutate_a_payload(scenario.steps, target, draw))
      continue;
    else if (kind < 16 && mutate_a_cut(scenario.steps, draw))
      continue;
    else if (kind < 19)
      mutate_faults(scenario.faults, draw);
    else
      mutate_schedule(scenario.schedule, draw);
  }
  // Another order of the same events costs nothing to try, and what depends on it shows itself
  // rarely.
  if (draw.one_in(4)) scenario.schedule = {.seed = draw.between(1, kLargestSeed), .choices = {}};
  return make_legal(std::move(scenario), target, budget);
}

Scenario cross_over(const Scenario& one, const Scenario& other, const Target& target,
                    std::uint64_t seed, const Budget& budget) {
  Draw draw(seed);
  Scenario child = one;
  std::vector<Step> others = other.steps;
  if (draw.one_in(2)) use_other_names(others);
  child.steps =
      draw.one_in(2) ? splice(one.steps, others, draw) : interleave(one.steps, others, draw);
  if (draw.one_in(2)) child.faults = other.faults;
  if (draw.one_in(2)) child.schedule = other.schedule;
  return make_legal(std::move(child), target, budget);
}

Bytes mutate_form(std::string_view form, const Target& target, std::uint64_t seed, std::size_t most,
                  const Budget& budget) {
  return form_of(mutate(decode(form, target, budget), target, seed, budget), target, most, budget);
}

Bytes cross_over_forms(std::string_view one, std::string_view other, const Target& target,
                       std::uint64_t seed, std::size_t most, const Budget& budget) {
  return form_of(
      cross_over(decode(one, target, budget), decode(other, target, budget), target, seed, budget),
      target, most, budget);
}

}  // namespace sockdrill
