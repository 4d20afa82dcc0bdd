#pragma once

// The server at one moment, where something went wrong: what its threads wait for, how its sockets
// stand. Facts for a diagnosis; of the judge's verdicts only that on a full backlog needs them.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/document/document.h"

namespace sockdrill {

/// A thread.
struct TaskSeen {
  int pid = 0;
  int tid = 0;
  std::string state;    ///< the letter of proc(5): "S" asleep, "R" runs
  std::string call;     ///< the system call it sleeps in: "epoll_wait"; "" when it runs
  int descriptor = -1;  ///< of read, write, accept ...: the call's first argument
  std::string doing;    ///< in words: "epoll_wait(timeout 500 ms)"
  bool operator==(const TaskSeen&) const = default;
};

/// A socket that the server holds.
struct SocketSeen {
  int descriptor = -1;
  std::string state;  ///< as netstat prints it: "LISTEN", "ESTABLISHED", "CLOSE_WAIT"; "UDP", "UDP
                      ///< ESTABLISHED" (connected); "CLOSE"
                      ///< also when it is out of the kernel's tables, as after a reset
  std::uint64_t unread = 0;  ///< octets (a FIN counts one); of a listener: connections that wait
  std::uint64_t unsent = 0;  ///< octets not acknowledged; of a listener: the backlog
  std::string watched;       ///< by epoll(7): "level", "edge", "one-shot"; "" when by none
  std::string events;        ///< that epoll was asked for: "in", "in out rdhup"
  bool operator==(const SocketSeen&) const = default;
};

struct Snapshot {
  std::vector<TaskSeen> tasks;
  std::vector<SocketSeen> sockets;  ///< the first hundred; those where something waits come first
  int descriptors = 0;              ///< of the first process
  std::uint64_t descriptor_limit = 0;
  // Of the first process: a bit a signal, number 1 lowest (proc(5), SigCgt).
  std::uint64_t caught = 0;
  std::uint64_t ignored = 0;
  std::uint64_t blocked = 0;
  bool operator==(const Snapshot&) const = default;
};

Json write_snapshot(const Snapshot& snapshot);
Result<Snapshot> read_snapshot(const Node& node);

}  // namespace sockdrill
