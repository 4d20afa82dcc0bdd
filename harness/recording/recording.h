#pragma once

// The timeline of one run: everything that happened, in one order, in lanes. What the judge judges
// and reports show.
//
// On disk: JSON Lines. The first line is the head (what was played, against what); each further
// line is an event; the last counts them. A recording that breaks off in the middle (kill -9, full
// disk) can be read up to there.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/deadline.h"
#include "harness/base/errno.h"
#include "harness/recording/resources.h"
#include "harness/recording/snapshot.h"
#include "harness/scenario/content.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

enum class Lane { client, server, network, harness };

/// What happened, and which fields of Event say more. Fields not named are unused.
enum class Kind {
  // client; `who` is its name
  opened,          ///< text: "tcp 127.0.0.1:40312" (transport and local address, as far as known)
  connected,       ///< text: local -> remote address
  connect_failed,  ///< error; text: the language's word ("refused", "reset", "timeout")
  sent,  ///< content; number: octets sent before it on this connection; text: destination, when not
         ///< the server's address; detail: "urgent", when its last octet is
  send_failed,  ///< error; number: octets that did not get out
  blocked,      ///< the server takes no more; number: octets of this step that got out
  received,  ///< content (of one message where boundaries are kept); text: the sender, when it is
             ///< not the address asked
  ended,  ///< text: "fin" or "reset"; error of a reset; number: octets received before it on this
          ///< connection
  shut_down,  ///< text: "write", "read" or "both"
  closed,     ///< text: "orderly", or "at once"
  was_reset,  ///< we reset it (SO_LINGER {1,0})
  ran,  ///< a program ended; number: its status; content: its output; text: how it ended, and its
        ///< stderr
  // server; `who` is "server" or "second"
  started,    ///< number: pid; text: the command line; detail: the address, when somebody listens
              ///< there already
  listening,  ///< text: the address
  not_listening,  ///< text: why not ("it exited with status 1", "it listens on 0.0.0.0:8081
                  ///< instead")
  stopped,        ///< by SIGSTOP; every thread has stopped
  continued,
  signalled,  ///< text: the signal
  limited,    ///< number: the soft limit of descriptors; text "processes": 1 = reached, 0 = lifted
  exited,     ///< number: status, or signal number + 256; text: "exited with status 1"
  struck,     ///< a fault of the scenario had its effect; text: the kind of call; number: which of
              ///< them; detail: its effect ("fails with EMFILE")
  wrote,      ///< content; text: "stdout" or "stderr"
  sampled,    ///< resources; text: "baseline", "after", "round N", "step"; number: round
  observed,   ///< snapshot, where something may have gone wrong; text: "unmet", "deadline", "done",
              ///< "restless" or "grown"
  left_over,  ///< after stopping; number: processes; text: which; detail: the server's address,
              ///< when
              ///< somebody still listens there
  // harness
  case_began,   ///< number: index of the case; text: its bindings
  round_began,  ///< the steps are played again to see whether a growth repeats; number: round, from
                ///< 1
  step_began,
  step_ended,  ///< text: "done", "met", "unmet", "deadline" (a cap was hit: undecided) or
               ///< "impossible"
  rested,    ///< text: "settled" or "blocked"; number: 1 when firm; detail: what stands unread, if
             ///< anything; who: the client whose octets were all read by then
  restless,  ///< the server did not come to rest within the cap; text: why
  probed,    ///< text: "began" or "ended"
  dropped,   ///< the kernel threw datagrams away; number: how many since the last such event
  measured_quiet,  ///< number: parts per million of one CPU, running and runnable, over the window;
                   ///< text: the window in ms
  note,            ///< text
  failed           ///< an error of ours, or of the machine; text
};

struct Event {
  Nanoseconds at{0};  ///< since the run began
  Lane lane = Lane::harness;
  Kind kind = Kind::note;
  std::string who;
  int step = -1;  ///< id of the planned step it belongs to; -1 for none
  std::string text;
  std::string detail;
  std::uint64_t number = 0;
  Errno error;
  Content content;
  std::optional<Resources> resources;
  std::optional<Snapshot> snapshot;
  bool operator==(const Event&) const = default;
};

/// Of a `sent` event: its last octet was urgent (MSG_OOB).
void note_urgent(Event& event);
bool ends_urgent(const Event& event);

struct Recording {
  // The head: enough to plan the run again, and so to judge it and to replay it.
  Json scenario;  ///< the file's JSON, parameters and all
  Target target;  ///< concrete
  std::uint64_t seed = 0;
  std::vector<Bindings> cases;  ///< those that were to be played
  std::string scenario_file;
  bool isolated = true;
  std::string version;
  std::vector<Event> events;
  bool is_whole = true;  ///< false: the file breaks off before the line that ends a recording
  bool operator==(const Recording&) const = default;
};

/// What the server held when it had served one client: the last such sample up to the event `at`,
/// or null.
const Resources* baseline_before(const Recording& recording, std::size_t at);

/// The word of the JSON form: "connect-failed".
std::string to_string(Kind kind);
std::string to_string(Lane lane);

/// Fields that the event does not use are left out. Text that is not UTF-8 becomes {"hex": ...}.
Json write_event(const Event& event);
Result<Event> read_event(const Node& node);

/// The lines of a recording, each with its newline, for whoever writes while the run goes on.
std::string head_line(const Recording& recording);
std::string event_line(const Event& event);
std::string end_line(std::size_t events);

/// The whole as JSON Lines: read_recording(write_recording(r)) == r.
std::string write_recording(const Recording& recording);
/// Reads as far as the text goes: a last line that breaks off is left out, and `is_whole` is false.
/// Any other line that is no event is an error at `file:line:column`.
Result<Recording> read_recording(const std::string& text, const std::string& file);

}  // namespace sockdrill
