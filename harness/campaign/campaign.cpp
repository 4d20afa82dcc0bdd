#include "harness/campaign/campaign.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/real_campaign.h"
#include "harness/campaign/real_kernel.h"
#include "harness/campaign/simulated_campaign.h"
#include "harness/campaign/status.h"

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

/// For one that has had no time to listen before time was up.
constexpr Nanoseconds kPatienceToListen = 3s;

/// Nothing was found, for nothing was played: that is no success.
CampaignResult unless_in_vain(CampaignResult result) {
  if (result.status.inputs == 0 && result.why_not.empty() && !result.was_interrupted)
    result.why_not = fmt::format("it has played no input in {}", clock_of(result.status.took));
  return result;
}

}  // namespace

Result<CampaignResult> run_campaign(const Home& home, const Installation& installation,
                                    const Target& target, const CampaignFolder& folder,
                                    const CampaignOptions& options, CampaignObserver& observer,
                                    const std::atomic<bool>& interrupted) {
  TRY_VOID(write_seeds(installation, target, folder));
  const Nanoseconds began = monotonic_now();
  CampaignResult result;
  if (options.world != CampaignWorld::real) {
    result = unless_in_vain(TRY(run_on_simulated_kernel(home, installation, target, folder, options,
                                                        observer, interrupted)));
    // One that was fuzzed for a while and is not any more has been told about.
    const bool is_done = result.why_not.empty() || result.status.inputs > 0 || interrupted;
    if (is_done || options.world == CampaignWorld::simulated) return result;
  }
  const Nanoseconds spent = monotonic_now() - began;
  const bool is_late = options.time > 0s && spent >= options.time;
  CampaignOptions left = options;
  if (options.time > 0s) left.time = options.time - spent;
  // What serves nobody there, either, is not to be blamed on the simulation.
  const Nanoseconds patience =
      options.time > 0s ? std::max(kPatienceToListen, left.time) : Nanoseconds::max();
  const std::string refused =
      RealKernel(home, installation).why_not_fuzzed(target, patience, interrupted);
  if (!refused.empty()) result.why_not = refused;
  if (!refused.empty() || is_late) return result;
  if (!result.why_not.empty())
    observer.note(fmt::format(
        "it cannot be simulated, and is fuzzed on the real kernel instead: {}", result.why_not));
  return unless_in_vain(
      TRY(run_on_real_kernel(home, installation, target, folder, left, observer, interrupted)));
}

}  // namespace sockdrill
