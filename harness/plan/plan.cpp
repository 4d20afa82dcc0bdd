// Questions to a finished plan.

#include "harness/plan/plan.h"

#include <algorithm>

#include "harness/base/check.h"

namespace sockdrill {

bool agrees(const Bindings& bindings, const Bindings& only) {
  return std::all_of(only.begin(), only.end(), [&](const auto& wanted) {
    const auto found = bindings.find(wanted.first);
    return found != bindings.end() && found->second == wanted.second;
  });
}

namespace {

template <typename AScript, typename APlan>
std::vector<AScript*> collect_scripts(APlan& plan) {
  std::vector<AScript*> scripts{&plan.warm_up};
  for (auto& planned : plan.cases) {
    for (auto& block : planned.blocks) {
      for (auto& script : block.scripts) scripts.push_back(&script);
    }
    scripts.push_back(&planned.probe);
  }
  return scripts;
}

}  // namespace

std::vector<Script*> scripts_of(Plan& plan) { return collect_scripts<Script>(plan); }
std::vector<const Script*> scripts_of(const Plan& plan) {
  return collect_scripts<const Script>(plan);
}

std::vector<const PlannedStep*> steps_of(const Plan& plan) {
  std::vector<const PlannedStep*> steps;
  for (const CasePlan& planned : plan.cases) {
    for (const Block& block : planned.blocks) {
      for (const Script& script : block.scripts) {
        for (const PlannedStep& step : script) steps.push_back(&step);
      }
    }
  }
  return steps;
}

namespace {

int last_id_of(const Script& script) { return script.empty() ? -1 : script.back().id; }

}  // namespace

const PlannedStep& step_of(const Plan& plan, int id) {
  const auto search = [id](const Script& script) -> const PlannedStep* {
    if (script.empty() || id < script.front().id || id > script.back().id) return nullptr;
    const auto found = std::find_if(script.begin(), script.end(),
                                    [id](const PlannedStep& s) { return s.id == id; });
    return found == script.end() ? nullptr : &*found;
  };
  if (const PlannedStep* step = search(plan.warm_up)) return *step;
  for (const CasePlan& planned : plan.cases) {
    for (const Block& block : planned.blocks) {
      // Of a crowd's scripts, which may be many, each goes on where the one before has ended.
      const auto script = std::ranges::partition_point(
          block.scripts, [id](const Script& s) { return last_id_of(s) < id; });
      if (script == block.scripts.end()) continue;
      if (const PlannedStep* step = search(*script)) return *step;
    }
    if (const PlannedStep* step = search(planned.probe)) return *step;
  }
  SOCKDRILL_CHECK(false, "a step id that is not in the plan");
}

}  // namespace sockdrill
