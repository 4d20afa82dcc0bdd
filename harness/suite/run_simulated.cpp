#include "harness/suite/run_simulated.h"

#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/play/target_launch.h"
#include "harness/simulated/request.h"
#include "harness/suite/installation.h"
#include "harness/suite/preloadable.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// Of real time: a server that computes for ever does not come back from its simulation.
constexpr std::chrono::seconds kRealTimeCap{60};

tl::unexpected<NoPlay> cannot(std::string reason) {
  return tl::unexpected(NoPlay{.is_our_error = false, .reason = std::move(reason)});
}
tl::unexpected<NoPlay> our_fault(std::string reason) {
  return tl::unexpected(NoPlay{.is_our_error = true, .reason = std::move(reason)});
}

Launch launch_of_request(const Stage& stage, const Target& target, const SimulationRequest& request,
                         const Placeholders& places, const std::string& library,
                         const std::string& request_name) {
  const ServerAddress server{.transport = target.transport,
                             .family = target.family,
                             .port = request.port,
                             .path = request.path};
  Launch launch = launch_of(target, placeholders_of(target, server, stage.temp_inside(), places));
  preload(library, launch.environment);
  launch.environment[kSimulationVariable] = stage.temp_inside() + request_name;
  return launch;
}

enum class Waited { exited, too_long, interrupted };

Waited wait_for_end(Stage& stage, const StageProcess& process,
                    const std::function<bool()>& should_interrupt) {
  const Deadline cap = Deadline::after(kRealTimeCap);
  while (!process.exited) {
    if (should_interrupt && should_interrupt()) return Waited::interrupted;
    if (cap.has_passed()) return Waited::too_long;
    stage.wait(Deadline::after(std::chrono::milliseconds(100)));
  }
  return Waited::exited;
}

tl::expected<Played, NoPlay> take_result(const StageProcess& process,
                                         const std::string& result_file) {
  const SysResult<std::string> text = read_file(result_file);
  if (!text) {
    const bool was_refused = !process.exited->was_signalled && process.exited->code != 2;
    const std::string what = fmt::format("{}; {}", to_string(*process.exited), process.err.text());
    // A program that did not take the library up just ran, and ended.
    return was_refused ? cannot("it did not take up the simulation: it " + what)
                       : our_fault("the simulated server " + what);
  }
  Result<SimulationResult> result = read_result(*text, result_file);
  if (!result) return our_fault(to_string(result.error()));
  if (!result->why_not.empty())
    return cannot(fmt::format("{}, which is not simulated", result->why_not));
  Played played;
  played.recording = std::move(result->recording);
  played.was_started = result->was_started;
  played.out = process.out;
  played.err = process.err;
  return played;
}

}  // namespace

tl::expected<Played, NoPlay> play_simulated(const Home& home, const Plan& plan,
                                            const Recording& head, const Placeholders& places,
                                            const std::function<bool()>& should_interrupt) {
  std::error_code error;
  const std::string library = fs::absolute(places.at("libexec") + "/libsockdrill-sim.so", error);
  if (!fs::exists(library, error))
    return cannot("this build has no libsockdrill-sim.so (builds with sanitizers have none)");
  Result<std::unique_ptr<Stage>> stage = Stage::open(home, StageOptions{});
  if (!stage) return our_fault(to_string(stage.error()));

  SimulationRequest request{.head = head,
                            .port = plan.target.port != 0 ? plan.target.port : kUsualPort,
                            .path = path_of(plan.target, (*stage)->temp_inside())};
  // Payloads of files are looked up beside it, and the server starts in a folder of its own.
  request.head.scenario_file = fs::absolute(request.head.scenario_file, error);
  constexpr const char* kRequest = "/sockdrill-simulation";
  const Launch launch = launch_of_request(**stage, plan.target, request, places, library, kRequest);
  if (const std::string reason = why_not_preloadable(find_program(launch.command.at(0)));
      !reason.empty())
    return cannot(reason);
  const std::string request_file = (*stage)->temp_outside() + kRequest;
  if (const auto written = write_file(request_file, write_request(request)); !written)
    return our_fault(fmt::format("{}: {}", request_file, describe(written.error())));

  const Result<StageProcess*> process =
      (*stage)->start(launch, Deadline::after(std::chrono::seconds(10)));
  if (!process) return our_fault(to_string(process.error()));
  const Waited end = wait_for_end(**stage, **process, should_interrupt);
  if (end == Waited::interrupted) {
    Played played;
    played.was_interrupted = true;
    return played;
  }
  if (end == Waited::too_long)
    return our_fault(
        fmt::format("the simulation took more than {} s of real time", kRealTimeCap.count()));
  tl::expected<Played, NoPlay> played = take_result(**process, result_file_of(request_file));
  static_cast<void>((*stage)->close(Deadline::after(std::chrono::seconds(5))));
  return played;
}

}  // namespace sockdrill
