#pragma once

// Recordings told by hand, for the tests of the judge: the plan is a real one, the events are what
// the test says.

#include <string>

#include "harness/judge/judge.h"

namespace sockdrill::testing {

class Story final {
 public:
  /// `steps`: the text of the JSON array; `target`: more keys of the manifest of an echo server,
  /// or of one that "speaks" otherwise.
  explicit Story(const std::string& steps, const std::string& level = "must",
                 const std::string& target = "", const std::string& listens = "tcp");

  /// The events of the step after the one before, up to `ended()`.
  Story& step();
  Story& ended(const std::string& how = "done");

  Story& client(Kind kind, const std::string& text = "", const Bytes& octets = "",
                const std::string& who = "a");
  Story& server(Kind kind, const std::string& text = "", std::uint64_t number = 0,
                const std::string& who = "server");
  Story& harness(Kind kind, const std::string& text = "", std::uint64_t number = 0);

  Story& connected();  ///< a whole connect step
  Story& sent(const Bytes& octets);
  Story& sent_urgent(const Bytes& octets);  ///< the last of them, that is
  Story& received(const Bytes& octets);
  Story& fin();
  Story& reset();
  Story& firm_rest();
  /// Started again while somebody listens there, or nobody (""), and ended by EADDRINUSE.
  Story& restarted_in_vain(const std::string& already_listens);
  /// Ended by SIGTERM, and a process of it is left, which listens there; "" when nobody does.
  Story& left_over(const std::string& listens_on);
  Story& wrote(const Bytes& text, const std::string& stream = "stderr",
               const std::string& who = "server");
  Story& sampled(const std::string& label, const Resources& resources);

  Story& observed(const Snapshot& snapshot, const std::string& why = "unmet");
  /// A helper client that was served and left in order, as the warm-up is.
  Story& served_one(const std::string& how = "fin");

  [[nodiscard]] Verdict verdict() const { return judge(plan_, recording_); }

 private:
  Event& add(Lane lane, Kind kind, const std::string& who);

  Plan plan_;
  Recording recording_;
  std::vector<const PlannedStep*> steps_;
  std::size_t next_ = 0;
  int current_ = -1;
};

}  // namespace sockdrill::testing
