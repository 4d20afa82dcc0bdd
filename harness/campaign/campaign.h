#pragma once

// A campaign on a server as it is: on the simulated kernel, in whose findings the real one is asked
// for its opinion, or, where that cannot be, on the real kernel alone.

#include <atomic>
#include <string>
#include <vector>

#include "harness/campaign/folder.h"
#include "harness/suite/suite.h"

namespace sockdrill {

/// Where the server runs.
enum class CampaignWorld { simulated, real, simulated_if_it_can_be };

struct CampaignOptions {
  Nanoseconds time{0};  ///< 0: until interrupted
  unsigned jobs = 1;
  std::uint64_t seed = 1;
  std::size_t stop_at = 0;  ///< so many findings of this session; 0: never
  CampaignWorld world = CampaignWorld::simulated_if_it_can_be;
};

/// What can be said of it while it runs.
struct CampaignStatus {
  Nanoseconds took{0};
  std::uint64_t inputs = 0;  ///< of this session
  double rate = 0;           ///< inputs a second, of late
  std::uint64_t features = 0;
  std::size_t corpus = 0;              ///< inputs that are kept
  std::size_t findings = 0;            ///< different ones, in all
  std::size_t explaining = 0;          ///< found, and not explained yet
  std::uint64_t again = 0;             ///< what is known, found again
  Nanoseconds since_new{0};            ///< time since the corpus last grew
  std::vector<std::uint64_t> history;  ///< features, in even steps of time
};

/// Called from run_campaign()'s thread.
class CampaignObserver {
 public:
  virtual ~CampaignObserver() = default;
  virtual void at(const CampaignStatus& status) = 0;  ///< about once a second
  virtual void found(const FuzzFinding& finding) = 0;
  virtual void note(const std::string& text) = 0;
};

struct CampaignResult {
  CampaignStatus status;
  std::vector<FuzzFinding> findings;  ///< all in the folder, the worst first
  std::size_t fresh = 0;              ///< of this session
  /// Why the server cannot be fuzzed like this; "": it can.
  std::string why_not;
  bool was_interrupted = false;
};

/// Blocks. What it has found is in the folder, whatever becomes of us.
Result<CampaignResult> run_campaign(const Home& home, const Installation& installation,
                                    const Target& target, const CampaignFolder& folder,
                                    const CampaignOptions& options, CampaignObserver& observer,
                                    const std::atomic<bool>& interrupted);

struct SmallerCorpus {
  std::size_t before = 0;
  std::size_t after = 0;
};

/// Takes from `others` (folders of inputs, or of campaigns) what reaches anything new.
Result<SmallerCorpus> merge(const Home& home, const Installation& installation,
                            const Target& target, const CampaignFolder& folder,
                            const std::vector<std::string>& others,
                            const std::atomic<bool>& interrupted);
/// Keeps of the corpus what is worth its place.
Result<SmallerCorpus> minimise_corpus(const Home& home, const Installation& installation,
                                      const Target& target, const CampaignFolder& folder,
                                      const std::atomic<bool>& interrupted);

/// How much of the server's source a corpus executes.
struct Coverage {
  std::size_t inputs = 0;
  std::uint64_t lines = 0;  ///< that are code
  std::uint64_t executed = 0;
  std::string index;    ///< of the HTML; "": there is none
  std::string why_not;  ///< why not; "": it is there, or it was interrupted
};

/// Plays the corpus and the suite's scenarios, and writes into the folder `into`, which is made,
/// how often each line was executed, as HTML. For servers that count that (fuzzer/line_counters.h),
/// on the simulated kernel: on the real one a server counts for itself, and mostly ends by a signal
/// before it has written that down.
Result<Coverage> cover(const Home& home, const Installation& installation, const Target& target,
                       const CampaignFolder& folder, const std::string& into,
                       const std::atomic<bool>& interrupted);

struct PlayedAgain {
  bool shows = false;  ///< something that a campaign would have found
  std::string said;    ///< what, in words
};

/// `target`, speaking as the server did of which the findings in `folder` are: as the server.json
/// there says; what it speaks by itself where there is none.
Result<Target> speaking_as_found(Target target, const std::string& folder);

/// Plays one scenario in a clean process, with all that a campaign looks for: it follows replies,
/// which no scenario need say anything about. The error: why nobody can say whether it shows
/// anything.
Result<PlayedAgain> play_again(const Home& home, const Installation& installation,
                               const Target& target, const std::string& scenario,
                               const std::atomic<bool>& interrupted);

/// What a server speaks that findings are tried on again.
enum class TriageDialogue { of_target, of_each_finding };

/// Plays each finding once more, in a clean process: is it still there? The folders say so
/// afterwards, but of those that could not be decided. Findings as read_findings() gives them.
Result<std::vector<FuzzFinding>> triage(const Home& home, const Installation& installation,
                                        const Target& target, TriageDialogue dialogue,
                                        const CampaignFolder& folder,
                                        const std::atomic<bool>& interrupted);

}  // namespace sockdrill
