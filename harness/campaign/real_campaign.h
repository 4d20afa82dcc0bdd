#pragma once

// A campaign on the real kernel, for servers that cannot be simulated: each input is a run of its
// own, in a stage of its own, and the judge says what is wrong. Some hundred times slower, and
// without faults of calls and schedules. Internal to campaign/.

#include "harness/campaign/campaign.h"

namespace sockdrill {

Result<CampaignResult> run_on_real_kernel(const Home& home, const Installation& installation,
                                          const Target& target, const CampaignFolder& folder,
                                          const CampaignOptions& options,
                                          CampaignObserver& observer,
                                          const std::atomic<bool>& interrupted);

/// What the real kernel can be asked, and what a fresh server is to blame for: without faults,
/// schedules, and steps that stop, limit or start servers.
Scenario without_the_simulated(Scenario scenario);

/// What a run reached: classes of what clients saw, one after another on each, and how it ended.
std::vector<std::uint64_t> features_of(const Recording& recording);
/// The worst that is the server's fault whatever the script expects: that a changed script's
/// expectations are not met says nothing.
std::optional<Suspicion> fault_of_server(const Verdict& verdict);
/// Something of ours failed (two clients asked for one port, say), and it is the input that asked
/// for it: the next one may be played.
bool is_error_of_input(const Verdict& verdict);

}  // namespace sockdrill
