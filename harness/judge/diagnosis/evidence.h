#pragma once

// What a rule may ask about a finding: the conversations up to it, the server at that moment, how
// it ended and what it wrote. Facts only; what they mean is the rules' business.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/judge/verdict.h"
#include "harness/plan/expectation.h"
#include "harness/plan/plan.h"
#include "harness/recording/recording.h"

namespace sockdrill {

/// One socket of a client, from its opening to its end, or to the finding.
struct Talk {
  std::string client;
  bool is_helper = false;  ///< the warm-up or a probe
  int case_index = 0;
  std::size_t opened_at = 0;  ///< index of the event; the others likewise
  std::vector<std::size_t> sent_at;
  std::vector<std::size_t> received_at;
  SentStream sent;  ///< messages one after the other, too
  Content received;
  bool is_unnamed = false;
  bool was_refused = false;  ///< a datagram met ECONNREFUSED
  std::optional<std::size_t> half_closed_at;
  std::optional<std::size_t> ended_at;  ///< the server's end
  End end = End::none;
  std::optional<std::size_t> left_at;  ///< the client closed or reset its socket
  bool has_reset = false;
  /// What should come back of an echo.
  [[nodiscard]] Content echo() const { return sent.echo_nearest_to(received); }
};

class Evidence final {
 public:
  /// All outlive it. `is_first`: no other finding comes before it in its case, so that it cannot be
  /// a consequence of one.
  Evidence(const Plan& plan, const Recording& recording, const Finding& finding, bool is_first);

  [[nodiscard]] const Finding& finding() const { return finding_; }
  [[nodiscard]] bool is_first() const { return is_first_; }
  [[nodiscard]] bool is(std::string_view rule) const { return finding_.rule == rule; }
  /// A step was not met, and this is what it shows.
  [[nodiscard]] bool shows(Symptom symptom) const {
    return is("step") && finding_.symptom == symptom;
  }
  [[nodiscard]] const Target& target() const { return plan_.target; }
  [[nodiscard]] const Event& event(std::size_t index) const { return recording_.events[index]; }
  /// Where it diverged.
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t case_began_at() const { return case_began_; }
  /// The step of the finding, if it has one.
  [[nodiscard]] const PlannedStep* step() const;

  /// Every conversation that began before the divergence, in order.
  [[nodiscard]] const std::vector<Talk>& talks() const { return talks_; }
  /// The one that the finding is about.
  [[nodiscard]] const Talk* talk() const;
  /// Everything that came on it, also after the finding was made.
  [[nodiscard]] std::vector<std::size_t> received_from(const Talk& talk) const;
  /// A probe after the finding was answered.
  [[nodiscard]] bool is_served_later() const;
  /// Its step asks for the end of the connection, too.
  [[nodiscard]] bool expects_end() const;

  /// The server where the finding was made, if it was looked at; asleep in all its threads.
  [[nodiscard]] const Snapshot* asleep() const;
  [[nodiscard]] const Snapshot* snapshot() const { return snapshot_; }
  /// What it held when it had served one client...
  [[nodiscard]] const Resources* baseline() const;
  /// ... and after each time that the steps of the case were played, the state before first.
  [[nodiscard]] std::vector<const Resources*> samples_of_case() const;

  /// The first event of this kind between the beginning of the case and the divergence.
  [[nodiscard]] const Event* in_case(Kind kind, std::string_view who = "") const;
  [[nodiscard]] const Event* last_in_case(Kind kind, std::string_view who = "") const;
  /// How the server ended, when the finding is its death.
  [[nodiscard]] const Event* death() const;
  /// What the server wrote to stderr, of the instance that the finding is about.
  [[nodiscard]] bool says(std::string_view word) const;
  [[nodiscard]] bool says(Errno error) const { return names(output_, error); }
  /// The address at which it listened last.
  [[nodiscard]] std::string listens_at() const;

 private:
  void gather_talks();
  void find_snapshot();
  void gather_output();

  const Plan& plan_;
  const Recording& recording_;
  const Finding& finding_;
  bool is_first_;
  std::size_t at_ = 0;
  std::size_t case_began_ = 0;
  std::vector<Talk> talks_;
  const Snapshot* snapshot_ = nullptr;
  std::string output_;
};

/// 1,024.
std::string number(std::uint64_t value);
/// The whole, of at most 4 MiB.
Bytes octets_of(const Content& content);
/// Whether `part` is how `whole` begins, and not all of it; nothing is a beginning, too.
bool is_beginning(const Content& part, const Content& whole);
/// The socket of this state where something waits, if any.
const SocketSeen* find_waiting(const Snapshot& snapshot, std::string_view state);

}  // namespace sockdrill
