#include "harness/fuzz/minimise.h"

#include <algorithm>

#include "harness/fuzz/reductions.h"

namespace sockdrill {

std::vector<Reduction> reductions_of(const Scenario& scenario, Theme theme) {
  switch (theme) {
    case Theme::steps:
      return reductions_of_steps(scenario);
    case Theme::octets:
      return reductions_of_octets(scenario);
    case Theme::faults:
      return reductions_of_faults(scenario);
    case Theme::schedule:
      return reductions_of_schedule(scenario);
  }
  return {};
}

std::vector<Scenario> minimise_inputs(std::vector<Scenario> inputs,
                                      const StillFailTogether& still_fail,
                                      std::size_t most_trials) {
  for (std::size_t piece = inputs.size() / 2; piece > 0; piece /= 2) {
    for (std::size_t at = 0; at < inputs.size() && inputs.size() > piece && most_trials > 0;) {
      std::vector<Scenario> candidate = inputs;
      const auto from = candidate.begin() + static_cast<std::ptrdiff_t>(at);
      const std::size_t count = std::min(piece, inputs.size() - at);
      candidate.erase(from, from + static_cast<std::ptrdiff_t>(count));
      --most_trials;
      if (still_fail(candidate))
        inputs = std::move(candidate);
      else
        at += count;
    }
  }
  return inputs;
}

Minimised minimise(Scenario scenario, const Target& target, Theme theme,
                   const StillFails& still_fails, std::size_t most_trials) {
  Minimised result{.scenario = std::move(scenario)};
  bool is_smaller = false;
  std::vector<Reduction> reductions = reductions_of(result.scenario, theme);
  for (std::size_t i = 0; i < reductions.size() && result.trials < most_trials;) {
    Scenario candidate = result.scenario;
    reductions[i](candidate);
    candidate = make_legal(std::move(candidate), target);
    // What the repair puts back is no progress, and is not played again.
    const bool is_new = candidate != result.scenario;
    result.trials += is_new ? 1 : 0;
    if (is_new && still_fails(candidate)) {
      is_smaller = true;
      result.scenario = std::move(candidate);
      // Go on at the same place: what was tried before it has mostly not become possible.
      reductions = reductions_of(result.scenario, theme);
    } else {
      ++i;
    }
    if (i >= reductions.size() && is_smaller) {
      is_smaller = false;
      i = 0;
    }
  }
  return result;
}

Minimised minimise(Scenario scenario, const Target& target, const StillFails& still_fails,
                   std::size_t most_trials) {
  Minimised result{.scenario = std::move(scenario)};
  for (bool is_smaller = true; is_smaller && result.trials < most_trials;) {
    const Scenario before = result.scenario;
    // Faults and schedule first: without them every trial is cheaper.
    for (const Theme theme : {Theme::faults, Theme::schedule, Theme::steps, Theme::octets}) {
      Minimised next = minimise(std::move(result.scenario), target, theme, still_fails,
                                most_trials - result.trials);
      result.scenario = std::move(next.scenario);
      result.trials += next.trials;
    }
    is_smaller = result.scenario != before;
  }
  return result;
}

}  // namespace sockdrill
