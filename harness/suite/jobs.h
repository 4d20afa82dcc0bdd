#pragma once

// Which pairs of a check and a target one shard plays, and in which order. Each is played
// SuiteOptions::repeat times.

#include "harness/suite/suite.h"

namespace sockdrill {

struct Job {
  const Check* check;
  const Target* target;
};

/// In the order of targets, then checks, so that a target's line comes when its checks are done.
/// The shards share out what is really to be played, so that each has the same number of it (up to
/// one), and every pair is in exactly one shard. All outlive the result.
std::vector<Job> jobs_of(const std::vector<Check>& checks, const std::vector<Target>& targets,
                         const SuiteOptions& options);

}  // namespace sockdrill
