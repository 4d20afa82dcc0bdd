#pragma once

// The parts of sockdrill-agent: a static program without a C or C++ library, single-threaded, that
// allocates nothing and prints nothing. Whatever goes wrong is told to the stage as a step and an
// errno.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "harness/stage/protocol.h"

namespace sockdrill::agent {

/// What the kernel said to which step; `step` none when all went well.
struct Outcome {
  protocol::Step step = protocol::Step::none;
  int error = 0;
  [[nodiscard]] bool failed() const { return step != protocol::Step::none; }
};
/// From a result of the kernel: well, unless it is negative.
inline Outcome outcome_of(protocol::Step step, long result) {
  return result < 0 ? Outcome{step, static_cast<int>(-result)} : Outcome{};
}

/// setup.cpp: inside fresh namespaces: private mounts, proc, tmpfs, hostname, network. Writes the
/// path of the temp folder.
Outcome set_up_isolated(const protocol::SetUp& wishes, char (&temp)[protocol::kTextBytes]);
/// setup.cpp: as a subreaper on the host: a session of its own and a temp folder.
Outcome set_up_degraded(const protocol::SetUp& wishes, char (&temp)[protocol::kTextBytes]);

/// network.cpp: loopback up with its second address; the broadcast link where wished.
Outcome set_up_network(bool wants_broadcast_link);
/// network.cpp: adds a link of a kind ("bridge", "dummy", "veth") where we are; 0 or a negative
/// errno. For `sockdrill doctor`, in a namespace to throw away.
long try_link(const char* kind);

/// spawn.cpp: descriptors that came with a start request, in the protocol's order.
struct StartFds {
  int words = -1;
  int input = -1;
  int output = -1;
  int error = -1;
};
/// Starts a process and returns once it has been exec'ed or has failed to be. `gate`: where it has
/// one, what answer_at_gate() takes; otherwise -1.
Outcome spawn(const protocol::Start& start, const StartFds& fds, bool dies_with_agent, pid_t& pid,
              int& gate);

/// gate.cpp: from here on, fork(2), clone(2) and their kin wait for answer_at_gate(), in the caller
/// and whatever comes of it. The gate, close-on-exec, or a negative errno.
long install_gate();
/// gate.cpp: the gate's way to another process, over a pair of sockets. Taken over: -1, none came.
long hand_over_gate(int gate, int to);
int take_gate_over(int from);
/// gate.cpp: lets the next in, or answers EAGAIN. Somebody waits there: the gate is readable.
long answer_at_gate(int gate, bool refuses);

/// sweep.cpp: kills and reaps every descendant until none is left.
void kill_descendants();
/// sweep.cpp: removes a folder and all below it, following no link.
void remove_tree(const char* path);

}  // namespace sockdrill::agent
