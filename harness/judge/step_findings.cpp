#include "harness/judge/step_findings.h"

#include <fmt/format.h>

namespace sockdrill {

const Event* find(const Walk& walk, const std::vector<std::size_t>& events, Kind kind) {
  for (const std::size_t index : events) {
    if (walk.recording.events[index].kind == kind) return &walk.recording.events[index];
  }
  return nullptr;
}

void place(Finding& finding, const PlannedStep& step, const std::vector<std::size_t>& events) {
  finding.step = step.id;
  finding.pointer = step.pointer;
  finding.client = step.client;
  finding.evidence = events;
}

void undecided(Walk& walk, const PlannedStep& step, const std::vector<std::size_t>& events) {
  const Event* restless = find(walk, events, Kind::restless);
  Finding& finding = walk.add(
      "step", Grade::unknown,
      fmt::format("could not be decided: '{}' had not ended when its cap was reached", step.text));
  if (restless != nullptr) finding.actual = "the server had not come to rest: " + restless->text;
  place(finding, step, events);
}

}  // namespace sockdrill
