#pragma once

// What shows itself in campaigns, and not in a clean process: it depends on what earlier inputs
// have left behind. Internal to campaign/.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/campaign/folder.h"
#include "harness/target/target.h"

namespace sockdrill {

class Unconfirmed final {
 public:
  /// One like it was seen, whatever becomes of it.
  void saw(const Suspicion& suspicion);
  /// `input`, which stays there, has shown nothing in a clean process.
  void note(const Suspicion& suspicion, const std::string& input);
  /// Whether an input of that file's name was tried in vain for it: it counts as one more try.
  bool was_tried(const Suspicion& suspicion, const std::string& input);
  /// Whether another one like it is worth trying.
  [[nodiscard]] bool is_open(const Suspicion& suspicion) const;
  /// One like it was confirmed.
  void confirm(const Suspicion& suspicion);

  /// Deaths that were confirmed by none: a server that dies has a defect, whatever it takes. Each
  /// is written into findings/. The error: it cannot be written.
  [[nodiscard]] Result<std::vector<FuzzFinding>> write(const CampaignFolder& folder,
                                                       const Target& target) const;

 private:
  struct One {
    Suspicion suspicion;
    std::uint64_t times = 0;
    unsigned tries = 0;           ///< to confirm it
    std::string input;            ///< the last one; "": none was tried
    std::set<std::string> names;  ///< of the inputs that were tried, as the fuzzer gives them
  };
  std::map<std::string, One> all_;  ///< by identity
};

}  // namespace sockdrill
