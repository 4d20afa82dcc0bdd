#pragma once

// A campaign on the simulated kernel: servers with the fuzzer preloaded, started anew whenever they
// end; what they leave is explained, told from what is known, and kept. Internal to campaign/.

#include "harness/campaign/campaign.h"

namespace sockdrill {

/// `why_not` of the result: it cannot be simulated, or serves nobody.
Result<CampaignResult> run_on_simulated_kernel(const Home& home, const Installation& installation,
                                               const Target& target, const CampaignFolder& folder,
                                               const CampaignOptions& options,
                                               CampaignObserver& observer,
                                               const std::atomic<bool>& interrupted);

}  // namespace sockdrill
