#pragma once

// A campaign in words: one line while it runs, a summary at its end. Pure.

#include <string>

#include "harness/campaign/campaign.h"

namespace sockdrill {

/// "00:12  8,123 inputs  1,650/s  1,488 features  corpus 925  2 findings  new 3 s ago  ▁▃▆██"; no
/// wider than `columns`, the graph first to go.
std::string status_line(const CampaignStatus& status, std::size_t columns);
/// Eight heights, from nothing to the largest; `width` of them at most.
std::string graph_of(const std::vector<std::uint64_t>& values, std::size_t width);
/// "1:02:03", "04:05".
std::string clock_of(Nanoseconds time);

/// What was found, the worst first, and where it lies.
std::string list_findings(const std::vector<FuzzFinding>& findings);
std::string summary_of(const CampaignResult& result, const CampaignFolder& folder,
                       const std::string& target);
/// For programs: fuzz/README.md describes it.
Json json_of(const CampaignResult& result, const std::string& target);
/// As the reporters of `run` take them: a result a finding, or one that has passed.
std::vector<RunResult> results_of(const CampaignResult& result, const std::string& target);

}  // namespace sockdrill
