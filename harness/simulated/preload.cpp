// The library that is preloaded into a server: simulates when it is asked to, plays what the
// request says, and leaves the result beside it. Without a request the program runs as ever.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/plan/replan.h"
#include "harness/play/player.h"
#include "harness/sim/libc/simulation.h"
#include "harness/simulated/request.h"
#include "harness/simulated/simulated_world.h"
#include "harness/simulated/take_over.h"

namespace sockdrill {

namespace {

/// In the place of a real stdout or stderr: a file in memory, which never blocks its writer.
struct Diverted {
  int number;   ///< 1 or 2
  int memory;   ///< what the server writes to
  int outside;  ///< where that goes in the end
};

Diverted divert(int number) {
  const int outside = ::fcntl(number, F_DUPFD_CLOEXEC, sim::kFirstRealNumber);
  const int made = ::memfd_create(number == 1 ? "stdout" : "stderr", MFD_CLOEXEC);
  const int memory = ::fcntl(made, F_DUPFD_CLOEXEC, sim::kFirstRealNumber);
  ::close(made);
  ::fcntl(memory, F_SETFL, O_APPEND);
  ::dup2(memory, number);
  return {.number = number, .memory = memory, .outside = outside};
}

void give_back(const Diverted& diverted) {
  std::array<char, 65536> octets{};
  off_t at = 0;
  for (;;) {
    const ssize_t size = ::pread(diverted.memory, octets.data(), octets.size(), at);
    if (size <= 0) break;
    at += size;
    for (ssize_t done = 0; done < size;) {
      const ssize_t written =
          ::write(diverted.outside, octets.data() + done, static_cast<std::size_t>(size - done));
      if (written < 0) return;
      done += written;
    }
  }
}

Result<SimulationResult> simulate(const std::string& request_file, sim::ServerProgram program,
                                  const Diverted& output, const Diverted& errors) {
  const SysResult<std::string> text = read_file(request_file);
  if (!text) return fail(describe(text.error()), request_file);
  const SimulationRequest request = TRY(read_request(*text, request_file));
  const Plan plan = TRY(plan_of_recording(request.head));
  if (const std::string what = not_simulated_of(plan); !what.empty())
    return SimulationResult{.recording = request.head, .why_not = "the check needs " + what};
  sim::Simulation simulation(std::move(program), sim::memory_of_program());
  const std::unique_ptr<World> world =
      make_simulated_world(simulation, plan.target,
                           SimulatedWorldOptions{.port = request.port,
                                                 .path = request.path,
                                                 .output_fd = output.memory,
                                                 .errors_fd = errors.memory,
                                                 .broadcast_link = plan.needs_broadcast_link});
  Played played = play(*world, plan, PlayOptions{});
  SimulationResult result{
      .recording = request.head, .was_started = played.was_started, .why_not = {}};
  result.recording.events = std::move(played.recording.events);
  if (!simulation.not_simulated().empty())
    result.why_not = "the server calls " + simulation.not_simulated();
  return result;
}

}  // namespace

namespace sim {

bool should_drive() { return is_to_be_simulated(kSimulationVariable); }

int drive(ServerProgram program) {
  const std::string request_file = take_request(kSimulationVariable, program);
  const Diverted output = divert(1);
  const Diverted errors = divert(2);
  reserve_descriptors();
  contain_crashes();
  const Result<SimulationResult> result =
      simulate(request_file, std::move(program), output, errors);
  int status = 0;
  if (result) {
    if (!write_file(result_file_of(request_file), write_result(*result))) status = 2;
  } else {
    static_cast<void>(std::fprintf(stderr, "%s\n", to_string(result.error()).c_str()));
    static_cast<void>(std::fflush(stderr));
    status = 2;
  }
  give_back(output);
  give_back(errors);
  ::_exit(status);  // not exit(): what the server has registered is not ours to run
}

}  // namespace sim
}  // namespace sockdrill
