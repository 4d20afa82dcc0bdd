#pragma once

// What every campaign keeps account of, wherever its server runs: what it knows, has found and has
// done, told to whoever looks on and written where it outlives us. Internal to campaign/.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "harness/campaign/campaign.h"
#include "harness/fuzzer/fuzz_request.h"

namespace sockdrill {

class Ledger final {
 public:
  /// All outlive this. The error: the folder's findings cannot be read.
  static Result<Ledger> open(const CampaignFolder& folder, const Target& target,
                             const CampaignOptions& options, CampaignObserver& observer,
                             const std::atomic<bool>& interrupted);

  /// Time is up, or enough was found, or somebody wants no more.
  [[nodiscard]] bool is_over() const;

  [[nodiscard]] bool knows(const Suspicion& suspicion) const {
    return known_.contains(identity_of(suspicion));
  }
  /// False: it was known.
  bool note(const Suspicion& suspicion) { return known_.insert(identity_of(suspicion)).second; }
  /// It could not be confirmed: the next one like it is to be looked at, too.
  void forget(const Suspicion& suspicion) { known_.erase(identity_of(suspicion)); }
  [[nodiscard]] std::vector<std::string> known() const { return {known_.begin(), known_.end()}; }
  void note_again(std::uint64_t times = 1) { status_.again += times; }

  [[nodiscard]] bool has(const Suspicion& suspicion) const;
  void add(const FuzzFinding& finding);

  void note_features(std::uint64_t seen) { status_.features = std::max(status_.features, seen); }
  /// What was found, and is not explained yet. That may take minutes, in which nobody need wonder
  /// why there is no end: once time is up it is said.
  void note_explaining(std::size_t count);
  /// A second has passed since the observer was told.
  [[nodiscard]] bool is_time_to_tell() const;
  /// `inputs`: of this session; `corpus`: that are kept.
  void tell(std::uint64_t inputs, std::size_t corpus);

  [[nodiscard]] CampaignResult result(std::string why_not) const;

 private:
  Ledger(const CampaignFolder& folder, const Target& target, const CampaignOptions& options,
         CampaignObserver& observer, const std::atomic<bool>& interrupted)
      : folder_(&folder),
        target_(&target),
        options_(&options),
        observer_(&observer),
        interrupted_(&interrupted) {}
  void draw(std::uint64_t features);

  const CampaignFolder* folder_;
  const Target* target_;
  const CampaignOptions* options_;
  CampaignObserver* observer_;
  const std::atomic<bool>* interrupted_;

  CampaignTotals before_;        ///< of earlier sessions
  std::set<std::string> known_;  ///< identities
  std::vector<FuzzFinding> findings_;
  std::size_t fresh_ = 0;
  CampaignStatus status_;
  Nanoseconds began_ = monotonic_now();
  Nanoseconds told_at_ = began_;
  Nanoseconds new_at_ = began_;
  bool has_told_of_the_rest_ = false;
  unsigned told_ = 0;          ///< times
  unsigned points_apart_ = 1;  ///< of these, between two points of the graph
};

}  // namespace sockdrill
