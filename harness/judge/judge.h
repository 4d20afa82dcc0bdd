#pragma once

// Recording + plan -> verdict. Pure: no system call, no clock.

#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"
#include "harness/recording/recording.h"

namespace sockdrill {

/// The plan is the one that was played (make_plan() of the recording's head gives it again).
Verdict judge(const Plan& plan, const Recording& recording);

/// Makes a FAIL of a known weakness KNOWN, and an unexpected PASS of one a FAIL. judge() has done
/// it already.
void apply_known(const Target& target, const std::string& check, Verdict& verdict);

}  // namespace sockdrill
