#include "harness/play/server_steps.h"

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

namespace sockdrill {

namespace {

using namespace std::chrono_literals;

constexpr std::array<std::pair<const char*, int>, 13> kSignals{{{"SIGHUP", SIGHUP},
                                                                {"SIGINT", SIGINT},
                                                                {"SIGQUIT", SIGQUIT},
                                                                {"SIGUSR1", SIGUSR1},
                                                                {"SIGUSR2", SIGUSR2},
                                                                {"SIGPIPE", SIGPIPE},
                                                                {"SIGALRM", SIGALRM},
                                                                {"SIGTERM", SIGTERM},
                                                                {"SIGCHLD", SIGCHLD},
                                                                {"SIGWINCH", SIGWINCH},
                                                                {"SIGKILL", SIGKILL},
                                                                {"SIGSTOP", SIGSTOP},
                                                                {"SIGCONT", SIGCONT}}};

}  // namespace

int signal_number(const std::string& name) {
  for (const auto& [word, number] : kSignals) {
    if (name == word) return number;
  }
  return 0;
}

bool ServerSteps::has_ended(int step) {
  if (!scene_.world.exited(Instance::first)) return false;
  note_exit(Instance::first, step);
  return true;
}

void ServerSteps::note_exit(Instance instance, int step) {
  if (instance == Instance::first && std::exchange(is_exit_noted_, true)) return;
  const std::optional<ExitStatus> status = scene_.world.exited(instance);
  if (!status) return;
  Event& event = scene_.recorder.server(Kind::exited, step, instance);
  event.number = static_cast<std::uint64_t>(status->code) + (status->was_signalled ? 256U : 0U);
  event.text = to_string(*status);
}

void ServerSteps::note_output(Instance instance, int step) {
  for (const bool errors : {false, true}) {
    const OutputTail output = scene_.world.output_of(instance, errors);
    if (output.total() == 0) continue;
    Event& event = scene_.recorder.server(Kind::wrote, step, instance);
    event.text = errors ? "stderr" : "stdout";
    event.content = Content(output.text());
  }
}

std::string ServerSteps::background_reason() {
  return fmt::format(
      "it went to the background: the process that was started {}, {} stay; start it in the "
      "foreground",
      to_string(*scene_.world.exited(Instance::first)),
      count_of(scene_.world.left_over().size(), "other"));
}

Event& ServerSteps::note_start(int step) {
  Event& event = scene_.recorder.server(Kind::started, step);
  event.number = static_cast<std::uint64_t>(scene_.world.pid_of(Instance::first));
  event.text = fmt::format("{}", fmt::join(scene_.plan.target.command, " "));
  return event;
}

bool ServerSteps::take_over() {
  if (scene_.world.pid_of(Instance::first) < 0 || scene_.world.exited(Instance::first))
    return false;
  const Listening listening = scene_.world.listening();
  if (!listening.is_there) return false;
  note_start(-1);
  scene_.recorder.server(Kind::listening, -1).text = listening.where;
  return true;
}

Task<bool> ServerSteps::launch(int step, StartOptions options) {
  const Listening already = scene_.world.listening();
  const Result<void> started =
      scene_.world.start(Instance::first, options, Deadline::after(scene_.caps.start));
  is_exit_noted_ = false;
  if (!started) {
    scene_.recorder.server(Kind::not_listening, step).text = to_string(started.error());
    co_return false;
  }
  Event& event = note_start(step);
  if (already.is_there) event.detail = already.where;
  const Nanoseconds until = scene_.loop.now() + scene_.caps.start;
  Nanoseconds pause = 100us;
  for (;;) {
    // A server that starts is asked for often; one that takes long may be about another transport.
    const Scope scope = pause < 2ms ? Scope::its_transport : Scope::everywhere;
    const Listening listening = scene_.world.listening(scope);
    const bool has_exited = scene_.world.exited(Instance::first).has_value();
    if (listening.is_there && !has_exited) {
      scene_.recorder.server(Kind::listening, step).text = listening.where;
      co_return true;
    }
    std::string why;
    if (has_exited) {
      const ExitStatus status = *scene_.world.exited(Instance::first);
      const std::size_t others = scene_.world.left_over().size();
      why = others > 0 || listening.is_there
                ? background_reason()
                : fmt::format("it {} before it listened", to_string(status));
      note_exit(Instance::first, step);
    } else if (scene_.loop.now() >= until || scene_.loop.is_interrupted()) {
      why = listening.elsewhere.empty()
                ? fmt::format(
                      "it runs, but listens nowhere after {} s",
                      std::chrono::duration_cast<std::chrono::seconds>(scene_.caps.start).count())
                : fmt::format("it listens on {} instead", fmt::join(listening.elsewhere, " and "));
    } else if (!listening.elsewhere.empty()) {
      // It may open several ports, one after another: only one that has come to rest listens
      // elsewhere for good.
      const Woken woken =
          co_await scene_.loop.wait(WaitFor{.rest = WantsRest::firm, .until = until});
      const Listening again = scene_.world.listening(Scope::everywhere);
      if (woken.rest && !again.is_there && !scene_.world.exited(Instance::first))
        why = fmt::format("it listens on {} instead", fmt::join(again.elsewhere, " and "));
    }
    if (!why.empty()) {
      scene_.recorder.server(Kind::not_listening, step).text = why;
      co_return false;
    }
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + pause}));
    pause = std::min<Nanoseconds>(5ms, pause * 3 / 2);
  }
}

Task<bool> ServerSteps::settle(WantsRest wanted, int step) {
  const Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  SpinWatch spin(scene_.sampler, scene_.world, scene_.loop);
  for (;;) {
    const Woken woken = co_await scene_.loop.wait(
        WaitFor{.rest = wanted, .until = std::min(until, spin.next_look())});
    if (woken.rest) {
      Event& event = scene_.recorder.harness(Kind::rested, step);
      event.text = to_string(woken.rest->rest);
      event.number = woken.rest->is_firm ? 1 : 0;
      event.detail = woken.rest->because;
      co_return true;
    }
    if (!spin.spins() && scene_.loop.now() < until && !scene_.loop.is_interrupted()) continue;
    spin.record(scene_.recorder, step);
    scene_.observer.note("restless", step);
    co_return false;
  }
}

Resources ServerSteps::sample(const std::string& text, std::uint64_t round, int step) {
  Event& event = scene_.recorder.server(Kind::sampled, step);
  event.text = text;
  event.number = round;
  event.resources = scene_.world.sample();
  return *event.resources;
}

Task<std::uint64_t> ServerSteps::measure_quiet(Nanoseconds window, int step) {
  const Resources before = scene_.world.sample();
  const Nanoseconds began = scene_.loop.now();
  static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = began + window}));
  const Resources after = scene_.world.sample();
  const Nanoseconds wall = scene_.loop.now() - began;
  // Running plus waiting for a CPU: a machine that is busy with other things does not make a
  // spinning server look calm.
  const Nanoseconds busy = (after.ran - before.ran) + (after.runnable - before.runnable);
  Event& event = scene_.recorder.harness(Kind::measured_quiet, step);
  event.number = busy.count() <= 0
                     ? 0
                     : static_cast<std::uint64_t>(busy.count()) * 1000000U /
                           static_cast<std::uint64_t>(std::max<std::int64_t>(1, wall.count()));
  event.text =
      fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
  co_return event.number;
}

Task<void> ServerSteps::stop(const std::string& signal, int step) {
  const bool was_started = scene_.world.pid_of(Instance::first) > 0;
  if (was_started && !has_ended(step)) {
    scene_.recorder.server(Kind::signalled, step).text = signal;
    static_cast<void>(scene_.world.signal(Instance::first, signal_number(signal)));
    const Nanoseconds until = scene_.loop.now() + scene_.caps.stop;
    while (!scene_.world.exited(Instance::first) && scene_.loop.now() < until &&
           !scene_.loop.is_interrupted()) {
      static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 300us}));
    }
    if (!scene_.world.exited(Instance::first)) {
      scene_.recorder.server(Kind::signalled, step).text = "SIGKILL";
      static_cast<void>(scene_.world.signal(Instance::first, SIGKILL));
      const Nanoseconds killed_by = scene_.loop.now() + scene_.caps.step;
      while (!scene_.world.exited(Instance::first) && scene_.loop.now() < killed_by)
        static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 300us}));
    }
    note_exit(Instance::first, step);
  }
  co_await note_left_over(step);
  scene_.world.kill_all(Deadline::after(scene_.caps.step));
  note_output(Instance::first, step);
}

Task<void> ServerSteps::note_left_over(int step) {
  // Children of a server that takes them along may still be on their way out.
  const Nanoseconds until = scene_.loop.now() + 1s;
  std::vector<std::string> left = scene_.world.left_over();
  while (!left.empty() && scene_.loop.now() < until && !scene_.loop.is_interrupted()) {
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 1ms}));
    left = scene_.world.left_over();
  }
  if (left.empty()) co_return;
  Event& event = scene_.recorder.server(Kind::left_over, step);
  event.number = left.size();
  event.text = fmt::format("{}", fmt::join(left, ", "));
  if (const Listening listening = scene_.world.listening(); listening.is_there)
    event.detail = listening.where;
}

Task<void> ServerSteps::wait_for_listener_gone() {
  // A child on its way out (its name is gone before its descriptors are) may still have it: clients
  // of the next instance would come to it, and be reset.
  const Nanoseconds until = scene_.loop.now() + 1s;
  while (scene_.world.listening().is_there && scene_.loop.now() < until &&
         !scene_.loop.is_interrupted())
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 300us}));
}

Task<void> ServerSteps::act(const PlannedStep& step) {
  scene_.recorder.harness(Kind::step_began, step.id).who = "server";
  const auto& action = std::get<ServerAction>(step.action);
  std::string ended = co_await do_action(action, step.id);
  // Whether what was sampled is as expected, only the judge knows.
  if (ended != "done" || std::holds_alternative<ServerExpect>(action))
    scene_.observer.note(ended, step.id);
  Event& event = scene_.recorder.harness(Kind::step_ended, step.id);
  event.who = "server";
  event.text = ended;
}

Task<std::string> ServerSteps::do_action(const ServerAction& action, int step) {
  if (std::holds_alternative<Settled>(action)) {
    const bool is_at_rest = co_await settle(WantsRest::any, step);
    co_return is_at_rest ? "done" : "deadline";
  }
  if (std::holds_alternative<Stop>(action)) co_return co_await stop_all_threads(step);
  if (std::holds_alternative<Continue>(action)) {
    scene_.world.signal_all(SIGCONT);
    scene_.recorder.server(Kind::continued, step);
    co_return "done";
  }
  if (const auto* signal = std::get_if<Signal>(&action)) {
    scene_.recorder.server(Kind::signalled, step).text = signal->name;
    static_cast<void>(scene_.world.signal(Instance::first, signal_number(signal->name)));
    co_return "done";
  }
  if (const auto* again = std::get_if<Restart>(&action)) co_return co_await restart(*again, step);
  if (const auto* other = std::get_if<Second>(&action)) co_return co_await second(*other, step);
  if (const auto* output = std::get_if<Output>(&action)) {
    scene_.world.set_output_read(output->is_read);
    co_return "done";
  }
  if (const auto* from_here = std::get_if<FromHere>(&action)) {
    scene_.world.set_faults(from_here->faults, from_here->schedule);
    co_return "done";
  }
  if (const auto* limited = std::get_if<Limit>(&action)) co_return co_await limit(*limited, step);
  co_return co_await expect(std::get<ServerExpect>(action), step);
}

Task<std::string> ServerSteps::stop_all_threads(int step) {
  const Nanoseconds until = scene_.loop.now() + scene_.caps.step;
  scene_.world.signal_all(SIGSTOP);
  while (!scene_.world.is_stopped() && scene_.loop.now() < until &&
         !scene_.world.exited(Instance::first)) {
    static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 50us}));
    scene_.world.signal_all(SIGSTOP);
  }
  if (!scene_.world.is_stopped()) co_return "deadline";
  scene_.recorder.server(Kind::stopped, step);
  co_return "done";
}

Task<std::string> ServerSteps::restart(const Restart& restart, int step) {
  const std::string signal =
      restart.with == "declared" ? scene_.plan.target.declares.stops_on : restart.with;
  if (!has_ended(step)) {
    scene_.recorder.server(Kind::signalled, step).text = signal;
    static_cast<void>(scene_.world.signal(Instance::first, signal_number(signal)));
    Nanoseconds until = scene_.loop.now() + scene_.caps.stop;
    while (!scene_.world.exited(Instance::first) && scene_.loop.now() < until)
      static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 300us}));
    if (!scene_.world.exited(Instance::first)) co_return "deadline";
    note_exit(Instance::first, step);
  }
  note_output(Instance::first, step);
  co_await wait_for_listener_gone();
  needs_baseline = true;
  const bool listens = co_await launch(
      step,
      StartOptions{.inherits = {.closed_streams = restart.closed_streams,
                                .ignored_signal =
                                    restart.ignoring.empty() ? 0 : signal_number(restart.ignoring)},
                   .path_bytes = restart.path_bytes});
  co_return listens ? "done" : "unmet";
}

std::string ServerSteps::limit_processes(bool is_reached, int step) {
  const SysResult<void> set = scene_.world.reach_process_limit(is_reached);
  if (!set) {
    scene_.recorder.harness(Kind::failed, step).text = "process limit: " + describe(set.error());
    return "impossible";
  }
  Event& event = scene_.recorder.server(Kind::limited, step);
  event.text = "processes";
  event.number = is_reached ? 1 : 0;
  return "done";
}

Task<std::string> ServerSteps::limit(const Limit& limit, int step) {
  if (limit.of == Limit::Of::processes) co_return limit_processes(!limit.is_lifted, step);
  std::uint64_t wanted = limit.descriptors;
  if (!usual_limit_) usual_limit_ = scene_.world.descriptor_limit();
  if (limit.is_lifted) wanted = *usual_limit_;
  // "+5" means five more numbers than are in use; numbers are given out lowest first (open(2)), so
  // the limit is a count.
  if (limit.is_relative) wanted += static_cast<std::uint64_t>(scene_.world.sample().descriptors);
  const SysResult<void> set = scene_.world.limit_descriptors(wanted);
  if (!set) {
    scene_.recorder.harness(Kind::failed, step).text = "prlimit: " + describe(set.error());
    co_return "impossible";
  }
  scene_.recorder.server(Kind::limited, step).number = wanted;
  co_return "done";
}

Task<std::string> ServerSteps::expect(const ServerExpect& expect, int step) {
  if (expect.exit != ServerExpect::Exit::unsaid) {
    const Nanoseconds until =
        scene_.loop.now() +
        std::max<Nanoseconds>(scene_.caps.stop,
                              std::chrono::milliseconds(expect.within_ms.value_or(0)));
    while (!scene_.world.exited(Instance::first) && scene_.loop.now() < until)
      static_cast<void>(co_await scene_.loop.wait(WaitFor{.until = scene_.loop.now() + 300us}));
    note_exit(Instance::first, step);
    if (!scene_.world.exited(Instance::first)) co_return "unmet";
    if (expect.leaves_nothing) co_await note_left_over(step);
    co_return "done";
  }
  const bool is_at_rest = co_await settle(WantsRest::any, step);
  static_cast<void>(sample("step", 0, step));
  if (expect.is_listening) {
    const Listening listening = scene_.world.listening();
    Event& event =
        scene_.recorder.server(listening.is_there ? Kind::listening : Kind::not_listening, step);
    event.text = listening.where;
  }
  co_return is_at_rest ? "done" : "deadline";
}

}  // namespace sockdrill
