#include "harness/plan/replan.h"

#include <filesystem>

#include "harness/base/try.h"

namespace sockdrill {

Result<Plan> plan_of_recording(const Recording& recording) {
  const std::string name =
      recording.scenario_file.empty() ? "<recording>" : recording.scenario_file;
  const Check check = TRY(read_check(TRY(parse_document(recording.scenario.dump(1), name))));
  PlanOptions options{.seed = recording.seed,
                      .base_dir = std::filesystem::path(recording.scenario_file).parent_path()};
  Plan plan = TRY(make_plan(check, recording.target, options));
  if (recording.cases.empty() || recording.cases.size() == plan.cases.size()) return plan;
  // Only the cases that were played: their ids follow from their order.
  options.only = recording.cases[0];
  return make_plan(check, recording.target, options);
}

}  // namespace sockdrill
