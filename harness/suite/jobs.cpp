#include "harness/suite/jobs.h"

namespace sockdrill {

std::vector<Job> jobs_of(const std::vector<Check>& checks, const std::vector<Target>& targets,
                         const SuiteOptions& options) {
  std::vector<Job> jobs;
  std::size_t played = 0;
  std::size_t skipped = 0;
  for (const Target& target : targets) {
    for (const Check& check : checks) {
      const bool is_skipped = why_not(check.first, target).has_value();
      const std::size_t number = is_skipped ? skipped++ : played++;
      if (number % options.shards != options.shard - 1) continue;
      jobs.push_back(Job{.check = &check, .target = &target});
    }
  }
  return jobs;
}

}  // namespace sockdrill
