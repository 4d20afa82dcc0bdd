#pragma once

// A campaign's folder: all that must outlive it, kill -9 included.
//
//   campaign.json   what was fuzzed, and the totals of all its sessions
//   inputs/         the corpus: scenarios in the compact form
//   seeds/          those of the suite, for this server
//   found/          what showed something, not explained yet
//   findings/NAME/  what was found, explained (fuzzer/finding.h)
//   known/          inputs and seeds that end each process that plays them, with what is known
//                   already: for the next session
//   unconfirmed/    what showed something, and nothing in a clean process (unconfirmed.h)
//
// campaign.json and finding.json are written beside their places and moved there: whoever reads
// them reads all of them.

#include <string>
#include <vector>

#include "harness/base/fd.h"
#include "harness/base/result.h"
#include "harness/document/document.h"
#include "harness/simulated/quick_player.h"

namespace sockdrill {

/// Of a file in inputs/ or seeds/ libFuzzer takes no more.
inline constexpr std::size_t kLargestInput = 4096;

struct CampaignTotals {
  std::uint64_t inputs = 0;
  std::uint64_t milliseconds = 0;
  std::uint64_t features = 0;  ///< as many as were seen at a time
};

/// What a campaign is about.
struct CampaignSubject {
  std::string target;  ///< its name; "": nothing was fuzzed yet
  std::string speaks;  ///< the dialogue's name
  bool operator==(const CampaignSubject&) const = default;
};

/// finding.json, and the folder it lies in.
struct FuzzFinding {
  std::string name;  ///< the folder's
  std::string folder;
  Suspicion suspicion;
  std::string stack;
  bool needs_history = false;
  std::string real;  ///< what the real kernel showed, in words; "" as long as nobody has asked
  bool found_on_real = false;  ///< by a campaign there
  bool is_confirmed = true;    ///< false: seen in campaigns only (unconfirmed.h)
  bool is_gone = false;        ///< it was looked at again, and not there any more
  std::string not_decided;     ///< why nobody could say which of the two, just now; "": it was said
  [[nodiscard]] bool is_there() const { return !is_gone && not_decided.empty(); }
};

class CampaignFolder final {
 public:
  /// Makes what is not there. The error: it cannot be written, or another campaign is in it.
  static Result<CampaignFolder> open(const std::string& path);

  [[nodiscard]] std::string inputs() const { return path_ + "/inputs"; }
  [[nodiscard]] std::string seeds() const { return path_ + "/seeds"; }
  [[nodiscard]] std::string known() const { return path_ + "/known"; }
  [[nodiscard]] std::string unconfirmed() const { return path_ + "/unconfirmed"; }
  [[nodiscard]] std::string found() const { return path_ + "/found"; }
  [[nodiscard]] std::string findings() const { return path_ + "/findings"; }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] CampaignTotals read_totals() const;
  Result<void> write_totals(const CampaignTotals& totals, const std::string& target) const;
  [[nodiscard]] CampaignSubject read_subject() const;
  Result<void> write_subject(const CampaignSubject& subject) const;
  /// They are made anew by the next campaign.
  void drop_seeds() const;

 private:
  std::string path_;
  OwnedFd lock_;  ///< flock(2): as long as we live
};

/// The worst first.
void rank(std::vector<FuzzFinding>& findings);
/// Ranked.
Result<std::vector<FuzzFinding>> read_findings(const std::string& folder);
Result<FuzzFinding> read_finding(const std::string& folder);
Result<void> write_finding_summary(const FuzzFinding& finding);

/// 0 the worst: memory, then death, then no service, then wrong replies, then what wears it out.
int severity_of(const Suspicion& suspicion);
std::string severity_name(int severity);
/// Two lines: what the rule demands, and who says so.
std::string diagnosis_of(const Suspicion& suspicion);
/// A folder's name: what it is, and a hash that tells it from others alike.
std::string name_of_finding(const Suspicion& suspicion);

}  // namespace sockdrill
