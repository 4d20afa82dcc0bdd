#pragma once

// A simulated kernel with a server's program on it: what a harness holds in its hands.
//
// The program is the one that this process was started as (or linked with): its main() runs on a
// task, and its calls of the C library are answered by the kernel. There is one simulation in a
// process at a time, for there is one program.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/sim/kernel/network.h"
#include "harness/sim/tasks/scheduler.h"

struct dl_phdr_info;  // of <link.h>

namespace sockdrill::sim {

using MainFunction = int (*)(int, char**, char**);

/// The program, as the C library's start-up code handed it over.
struct ServerProgram {
  MainFunction main = nullptr;
  std::vector<std::string> arguments;  ///< [0] is its name
  char** environment = nullptr;
};

/// AF_UNIX sockets as real files, which stat(2) and unlink(2) of the server (real calls) then see.
class RealSocketPaths final : public SocketPaths {
 public:
  Outcome<Node> create(const std::string& path) override;
  Outcome<Node> find(const std::string& path) override;
};

/// A call of the server's, as far as reports tell of it.
struct CallSeen {
  const char* name = nullptr;     ///< "recv"
  int descriptor = -1;            ///< what it is made on
  std::size_t octets = SIZE_MAX;  ///< that it wants to move; SIZE_MAX: it moves none
};

class Simulation final {
 public:
  Simulation(ServerProgram program, ServerMemory memory);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  Kernel& kernel() { return *kernel_; }
  Scheduler& scheduler() { return *scheduler_; }

  /// main() as the first task of a new process, with the variables it began with. It runs when the
  /// scheduler does. nullptr: no memory.
  Process* start_server();

  /// The first thing the server asked for that is not simulated: "posix_spawn"; "" as long as
  /// there is none. What the server does afterwards means nothing.
  [[nodiscard]] const std::string& not_simulated() const { return not_simulated_; }
  void note_not_simulated(const std::string& what);

  /// Told of each call of the server's when it begins, and of its answer: what it returned, or the
  /// errno below 0. For reports.
  std::function<void(const Task&, const CallSeen& call)> on_call;
  std::function<void(const Task&, long answer)> on_answer;

  /// Told of each crash that is contained (contain_crashes()), where it happened: on the task's
  /// stack, in a signal's handler. `address`: what it could not reach (sigaction(2), si_addr), as
  /// far as it was that.
  std::function<void(const Task&, int signal, std::optional<std::uintptr_t> address)> on_crash;

  /// Told when AddressSanitizer is about to start its symbolizer for a report, on the task's stack.
  std::function<void()> on_report;

  /// Whatever the C library does at the end of a process: atexit(3) and kin, by process.
  struct ExitHandler {
    void (*function)(void*) = nullptr;
    void* argument = nullptr;
  };
  std::map<const Process*, std::vector<ExitHandler>> exit_handlers;
  /// pthread_key_create(3): whose destructors run at a thread's end.
  std::map<unsigned, void (*)(void*)> key_destructors;
  /// pthread_atfork(3).
  struct ForkHandlers {
    void (*prepare)();
    void (*parent)();
    void (*child)();
  };
  std::vector<ForkHandlers> fork_handlers;
  /// What getrandom(2) gives.
  std::uint64_t random_state = 0x9e3779b97f4a7c15;

 private:
  ServerProgram program_;
  RealSocketPaths paths_;
  std::unique_ptr<Kernel> kernel_;
  std::unique_ptr<Scheduler> scheduler_;
  std::string not_simulated_;
};

/// The one there is; nullptr: none. Functions of the C library have no other way to find it.
extern Simulation* the_simulation;
inline Simulation* simulation() { return the_simulation; }

/// The variables of the program this process was started as, and of the libraries it brought along,
/// except those of the system and of the harness: for a server that was started with the harness
/// preloaded. Counters that a compiler put in are everybody's.
ServerMemory memory_of_program();
/// Whether that part of the program is the server's: not the system's, not ours.
bool is_of_server(const dl_phdr_info& info);
/// Where it was loaded from.
std::string file_of(const dl_phdr_info& info);

/// Below it all descriptors are simulated ones: a process' hard limit is no higher.
inline constexpr int kFirstRealNumber = 4096;
/// Takes all real descriptors below that, so that real files get higher numbers than simulated ones
/// and no call that is missed here hits a wrong file. Once, before the first simulation.
void reserve_descriptors();

/// From here on a server's crash ends its simulated process, not ours: SIGSEGV and its kin are
/// caught. Not for servers that were linked with a fuzzer, whose reports say more.
void contain_crashes();
[[nodiscard]] bool contains_crashes();

/// What boot.cpp calls instead of the program's main(): builds a Simulation and plays on it. The
/// exit status of this real process. Defined by whoever links this library.
int drive(ServerProgram program);
/// Whether it is to be called at all: a preloaded library is not always meant to simulate.
bool should_drive();

}  // namespace sockdrill::sim
