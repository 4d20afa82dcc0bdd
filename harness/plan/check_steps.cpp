// Steps that can never run, found without a target.

#include "harness/base/try.h"
#include "harness/plan/plan.h"
#include "harness/plan/step_walk.h"

namespace sockdrill {

Result<void> check_steps(const Scenario& scenario, const Document& document,
                         std::optional<Transport> transport) {
  StepWalk walk(scenario.applies, transport);
  Walked walked = walk.add(scenario.steps);
  if (walked) walked = walk.end(scenario.steps.back().pointer);
  if (!walked)
    return tl::unexpected(document.error_at(walked.error().pointer, walked.error().message));
  return {};
}

Result<void> check_steps(const Check& check, std::optional<Transport> transport) {
  for (const Bindings& bindings : check.cases) {
    const Scenario scenario = TRY(read_scenario(check.document, bindings));
    TRY_VOID(check_steps(scenario, check.document, transport));
  }
  return {};
}

}  // namespace sockdrill
