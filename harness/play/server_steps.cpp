#include "harness/play/server_steps.h"

#include <sys/resource.h>

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
  if (!world_.exited(Instance::first)) return false;
  note_exit(Instance::first, step);
  return true;
}

void ServerSteps::note_exit(Instance instance, int step) {
  if (instance == Instance::first && std::exchange(is_exit_noted_, true)) return;
  const std::optional<ExitStatus> status = world_.exited(instance);
  if (!status) return;
  Event& event = recorder_.server(Kind::exited, step, instance);
  event.number = static_cast<std::uint64_t>(status->code) + (status->was_signalled ? 256U : 0U);
  event.text = to_string(*status);
}

void ServerSteps::note_output(Instance instance, int step) {
  for (const bool errors : {false, true}) {
    const OutputTail output = world_.output_of(instance, errors);
    if (output.total() == 0) continue;
    Event& event = recorder_.server(Kind::wrote, step, instance);
    event.text = errors ? "stderr" : "stdout";
    event.content = Content(output.text());
  }
}

std::string ServerSteps::background_reason() {
  return fmt::format(
      "it went to the background: the process that was started {}, {} stay; start it in the "
      "foreground",
      to_string(*world_.exited(Instance::first)), count_of(world_.left_over().size(), "other"));
}

Task<bool> ServerSteps::launch(int step) {
  const Result<void> started = world_.start(Instance::first, Deadline::after(caps_.start));
  is_exit_noted_ = false;
  if (!started) {
    recorder_.server(Kind::not_listening, step).text = to_string(started.error());
    co_return false;
  }
  Event& event = recorder_.server(Kind::started, step);
  event.number = static_cast<std::uint64_t>(world_.pid_of(Instance::first));
  event.text = fmt::format("{}", fmt::join(plan_.target.command, " "));
  const Nanoseconds until = loop_.now() + caps_.start;
  Nanoseconds pause = 100us;
  for (;;) {
    const Listening listening = world_.listening();
    const bool has_exited = world_.exited(Instance::first).has_value();
    if (listening.is_there && !has_exited) {
      recorder_.server(Kind::listening, step).text = listening.where;
      co_return true;
    }
    std::string why;
    if (has_exited) {
      const ExitStatus status = *world_.exited(Instance::first);
      const std::size_t others = world_.left_over().size();
      why = others > 0 || listening.is_there
                ? background_reason()
                : fmt::format("it {} before it listened", to_string(status));
      note_exit(Instance::first, step);
    } else if (loop_.now() >= until || loop_.is_interrupted()) {
      why = listening.elsewhere.empty()
                ? fmt::format("it runs, but listens nowhere after {} s",
                              std::chrono::duration_cast<std::chrono::seconds>(caps_.start).count())
                : fmt::format("it listens on {} instead", fmt::join(listening.elsewhere, " and "));
    } else if (!listening.elsewhere.empty()) {
      // It may open several ports, one after another: only one that has come to rest listens
      // elsewhere for good.
      const Woken woken = co_await loop_.wait(WaitFor{.rest = WantsRest::firm, .until = until});
      const Listening again = world_.listening();
      if (woken.rest && !again.is_there && !world_.exited(Instance::first))
        why = fmt::format("it listens on {} instead", fmt::join(again.elsewhere, " and "));
    }
    if (!why.empty()) {
      recorder_.server(Kind::not_listening, step).text = why;
      co_return false;
    }
    static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + pause}));
    pause = std::min<Nanoseconds>(5ms, pause * 3 / 2);
  }
}

Task<bool> ServerSteps::settle(WantsRest wanted, int step) {
  const Nanoseconds until = loop_.now() + caps_.step;
  SpinWatch spin(sampler_, world_, loop_);
  for (;;) {
    const Woken woken =
        co_await loop_.wait(WaitFor{.rest = wanted, .until = std::min(until, spin.next_look())});
    if (woken.rest) {
      Event& event = recorder_.harness(Kind::rested, step);
      event.text = to_string(woken.rest->rest);
      event.number = woken.rest->is_firm ? 1 : 0;
      event.detail = woken.rest->because;
      co_return true;
    }
    if (!spin.spins() && loop_.now() < until && !loop_.is_interrupted()) continue;
    spin.record(recorder_, step);
    observer_.note("restless", step);
    co_return false;
  }
}

Resources ServerSteps::sample(const std::string& text, std::uint64_t round, int step) {
  Event& event = recorder_.server(Kind::sampled, step);
  event.text = text;
  event.number = round;
  event.resources = world_.sample();
  return *event.resources;
}

Task<std::uint64_t> ServerSteps::measure_quiet(Nanoseconds window, int step) {
  const Resources before = world_.sample();
  const Nanoseconds began = loop_.now();
  static_cast<void>(co_await loop_.wait(WaitFor{.until = began + window}));
  const Resources after = world_.sample();
  const Nanoseconds wall = loop_.now() - began;
  // Running plus waiting for a CPU: a machine that is busy with other things does not make a
  // spinning server look calm.
  const Nanoseconds busy = (after.ran - before.ran) + (after.runnable - before.runnable);
  Event& event = recorder_.harness(Kind::measured_quiet, step);
  event.number = busy.count() <= 0
                     ? 0
                     : static_cast<std::uint64_t>(busy.count()) * 1000000U /
                           static_cast<std::uint64_t>(std::max<std::int64_t>(1, wall.count()));
  event.text =
      fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
  co_return event.number;
}

Task<void> ServerSteps::stop(const std::string& signal, int step) {
  const bool was_started = world_.pid_of(Instance::first) > 0;
  if (was_started && !has_ended(step)) {
    recorder_.server(Kind::signalled, step).text = signal;
    static_cast<void>(world_.signal(Instance::first, signal_number(signal)));
    const Nanoseconds until = loop_.now() + caps_.stop;
    while (!world_.exited(Instance::first) && loop_.now() < until && !loop_.is_interrupted()) {
      static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 300us}));
    }
    if (!world_.exited(Instance::first)) {
      recorder_.server(Kind::signalled, step).text = "SIGKILL";
      static_cast<void>(world_.signal(Instance::first, SIGKILL));
      const Nanoseconds killed_by = loop_.now() + caps_.step;
      while (!world_.exited(Instance::first) && loop_.now() < killed_by)
        static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 300us}));
    }
    note_exit(Instance::first, step);
  }
  co_await note_left_over(step);
  world_.kill_all(Deadline::after(caps_.step));
  note_output(Instance::first, step);
}

Task<void> ServerSteps::note_left_over(int step) {
  // Children of a server that takes them along may still be on their way out.
  const Nanoseconds until = loop_.now() + 1s;
  std::vector<std::string> left = world_.left_over();
  while (!left.empty() && loop_.now() < until && !loop_.is_interrupted()) {
    static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 1ms}));
    left = world_.left_over();
  }
  if (left.empty()) co_return;
  Event& event = recorder_.server(Kind::left_over, step);
  event.number = left.size();
  event.text = fmt::format("{}", fmt::join(left, ", "));
}

Task<void> ServerSteps::act(const PlannedStep& step) {
  recorder_.harness(Kind::step_began, step.id).who = "server";
  std::string ended = co_await do_action(std::get<ServerAction>(step.action), step.id);
  // Whether what was sampled is as expected, only the judge knows.
  const auto& action = std::get<ServerAction>(step.action);
  if (ended != "done" || std::holds_alternative<ServerExpect>(action))
    observer_.note(ended, step.id);
  Event& event = recorder_.harness(Kind::step_ended, step.id);
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
    world_.signal_all(SIGCONT);
    recorder_.server(Kind::continued, step);
    co_return "done";
  }
  if (const auto* signal = std::get_if<Signal>(&action)) {
    recorder_.server(Kind::signalled, step).text = signal->name;
    static_cast<void>(world_.signal(Instance::first, signal_number(signal->name)));
    co_return "done";
  }
  if (const auto* again = std::get_if<Restart>(&action)) co_return co_await restart(*again, step);
  if (std::holds_alternative<Second>(action)) co_return co_await second(step);
  if (const auto* output = std::get_if<Output>(&action)) {
    world_.set_output_read(output->is_read);
    co_return "done";
  }
  if (const auto* limited = std::get_if<Limit>(&action)) co_return co_await limit(*limited, step);
  co_return co_await expect(std::get<ServerExpect>(action), step);
}

Task<std::string> ServerSteps::stop_all_threads(int step) {
  const Nanoseconds until = loop_.now() + caps_.step;
  world_.signal_all(SIGSTOP);
  while (!world_.is_stopped() && loop_.now() < until && !world_.exited(Instance::first)) {
    static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 50us}));
    world_.signal_all(SIGSTOP);
  }
  if (!world_.is_stopped()) co_return "deadline";
  recorder_.server(Kind::stopped, step);
  co_return "done";
}

Task<std::string> ServerSteps::restart(const Restart& restart, int step) {
  const std::string signal =
      restart.with == "declared" ? plan_.target.declares.stops_on : restart.with;
  if (!has_ended(step)) {
    recorder_.server(Kind::signalled, step).text = signal;
    static_cast<void>(world_.signal(Instance::first, signal_number(signal)));
    Nanoseconds until = loop_.now() + caps_.stop;
    while (!world_.exited(Instance::first) && loop_.now() < until)
      static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 300us}));
    if (!world_.exited(Instance::first)) co_return "deadline";
    note_exit(Instance::first, step);
  }
  note_output(Instance::first, step);
  needs_baseline = true;
  const bool listens = co_await launch(step);
  co_return listens ? "done" : "unmet";
}

Task<std::string> ServerSteps::second(int step) {
  const Result<void> started = world_.start(Instance::second, Deadline::after(caps_.start));
  if (!started) {
    recorder_.harness(Kind::failed, step).text = to_string(started.error());
    co_return "impossible";
  }
  Event& event = recorder_.server(Kind::started, step, Instance::second);
  event.number = static_cast<std::uint64_t>(world_.pid_of(Instance::second));
  // It must end by itself. That it does not is known once everything rests and no timer can change
  // that. One that sleeps blindly may be about to try again (nginx calls bind(2) five times, 500 ms
  // apart), as its sockets show none of that: it is given the whole time to end.
  const Nanoseconds until = loop_.now() + caps_.start;
  bool lives_on = false;
  while (!world_.exited(Instance::second) && !lives_on && loop_.now() < until) {
    const Woken woken = co_await loop_.wait(WaitFor{.rest = WantsRest::firm,
                                                    .until = std::min(until, loop_.now() + 20ms),
                                                    .rest_after = loop_.now() + 2ms});
    lives_on = woken.rest && !woken.rest->sleeps_blindly && !world_.exited(Instance::second);
  }
  note_exit(Instance::second, step);
  note_output(Instance::second, step);
  const bool has_ended = world_.exited(Instance::second).has_value();
  if (!has_ended) static_cast<void>(world_.signal(Instance::second, SIGKILL));
  while (!world_.exited(Instance::second) && loop_.now() < until + caps_.step)
    static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 300us}));
  co_return has_ended ? "done" : "unmet";
}

Task<std::string> ServerSteps::limit(const Limit& limit, int step) {
  std::uint64_t wanted = limit.descriptors;
  if (!usual_limit_) {
    rlimit now{};
    static_cast<void>(::prlimit(world_.pid_of(Instance::first), RLIMIT_NOFILE, nullptr, &now));
    usual_limit_ = now.rlim_cur;
  }
  if (limit.is_lifted) wanted = *usual_limit_;
  // "+5" means five more numbers than are in use; numbers are given out lowest first (open(2)), so
  // the limit is a count.
  if (limit.is_relative) wanted += static_cast<std::uint64_t>(world_.sample().descriptors);
  const SysResult<void> set = world_.limit_descriptors(wanted);
  if (!set) {
    recorder_.harness(Kind::failed, step).text = "prlimit: " + describe(set.error());
    co_return "impossible";
  }
  recorder_.server(Kind::limited, step).number = wanted;
  co_return "done";
}

Task<std::string> ServerSteps::expect(const ServerExpect& expect, int step) {
  if (expect.exit != ServerExpect::Exit::unsaid) {
    const Nanoseconds until =
        loop_.now() +
        std::max<Nanoseconds>(caps_.stop, std::chrono::milliseconds(expect.within_ms.value_or(0)));
    while (!world_.exited(Instance::first) && loop_.now() < until)
      static_cast<void>(co_await loop_.wait(WaitFor{.until = loop_.now() + 300us}));
    note_exit(Instance::first, step);
    if (!world_.exited(Instance::first)) co_return "unmet";
    if (expect.leaves_nothing) co_await note_left_over(step);
    co_return "done";
  }
  const bool is_at_rest = co_await settle(WantsRest::any, step);
  static_cast<void>(sample("step", 0, step));
  if (expect.is_listening) {
    const Listening listening = world_.listening();
    Event& event =
        recorder_.server(listening.is_there ? Kind::listening : Kind::not_listening, step);
    event.text = listening.where;
  }
  co_return is_at_rest ? "done" : "deadline";
}

}  // namespace sockdrill
