#include "harness/fuzzer/trials.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>

#include <fmt/format.h>

#include "harness/base/deadline.h"
#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/base/version.h"
#include "harness/fuzz/compact.h"
#include "harness/fuzzer/death_by_sanitizer.h"
#include "harness/judge/judge.h"
#include "harness/play/player.h"
#include "harness/report/report.h"
#include "harness/simulated/simulated_world.h"

extern "C" {
[[gnu::weak]] const char* __asan_get_report_description();
[[gnu::weak]] void* __asan_get_report_pc();
}

namespace sockdrill {

namespace {

/// Of this process, the child of a trial.
bool is_told_in_brief = false;

constexpr std::size_t kCallsKept = 40;

bool leaves_server_as_it_is(const PlannedStep& step) {
  const auto* const action = std::get_if<ServerAction>(&step.action);
  if (action == nullptr) return true;
  return std::holds_alternative<Settled>(*action) || std::holds_alternative<Stop>(*action) ||
         std::holds_alternative<Continue>(*action) ||
         std::holds_alternative<ServerExpect>(*action) || std::holds_alternative<FromHere>(*action);
}

/// The server's last calls, written as they are made: a crash keeps nobody from reading them.
class CallLog final {
 public:
  CallLog(sim::Simulation& simulation, int fd) : fd_(fd) {
    simulation.on_call = [this](const sim::Task& task, const sim::CallSeen& call) {
      std::string text = call.name;
      if (call.descriptor >= 0)
        text += call.octets == SIZE_MAX ? fmt::format("({})", call.descriptor)
                                        : fmt::format("({}, {})", call.descriptor, call.octets);
      calls_.push_back({task.id, std::move(text)});
      if (calls_.size() > kCallsKept) calls_.pop_front();
      keep();
    };
    simulation.on_answer = [this](const sim::Task& task, long answer) {
      const auto call = std::find_if(calls_.rbegin(), calls_.rend(),
                                     [&](const Line& line) { return line.thread == task.id; });
      if (call == calls_.rend()) return;
      call->text += answer < 0 ? fmt::format(" = -1 {}", name_of(Errno{static_cast<int>(-answer)}))
                               : fmt::format(" = {}", answer);
      keep();
    };
  }

 private:
  struct Line {
    pid_t thread;
    std::string text;
  };

  void keep() {
    std::string text;
    for (const Line& line : calls_) text += fmt::format("{}: {}\n", line.thread, line.text);
    static_cast<void>(::pwrite(fd_, text.data(), text.size(), 0));
    static_cast<void>(::ftruncate(fd_, static_cast<off_t>(text.size())));
  }

  int fd_;
  std::deque<Line> calls_;
};

/// The function of a line of a sanitizer's stack ("    #1 0x55 in echo(int) server.cpp:12:3").
std::string function_in(std::string_view line) {
  const std::size_t in = line.find(" in ");
  if (in == std::string_view::npos) return {};
  std::string function(line.substr(in + 4));
  replace_all(function, "(anonymous namespace)::", "");
  return function.substr(0, function.find_first_of(" ("));
}

/// Not the sanitizer's own, nor the C library's: where the server was.
bool is_servers(const std::string& function) {
  return !function.empty() && !function.starts_with("__") &&
         !function.starts_with("sockdrill::sim") && function != "abort" && function != "raise" &&
         !function.starts_with("mem") && function != "recv" && function != "read" &&
         function != "send" && function != "write";
}

}  // namespace

std::size_t find_report(const std::string& output) {
  constexpr std::string_view kMark = "ERROR: ";
  std::size_t at = 0;
  while ((at = output.find(kMark, at)) != std::string::npos) {
    const std::string_view rest = std::string_view(output).substr(at + kMark.size());
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word.ends_with("Sanitizer:") || word == "libFuzzer:" || rest.starts_with("the server: "))
      break;
    at += kMark.size();
  }
  return at;
}

std::string crash_in(const std::string& output) {
  const std::size_t error = find_report(output);
  const std::size_t runtime = output.find("runtime error: ");
  if (error == std::string::npos && runtime == std::string::npos) return {};
  const std::size_t from = error != std::string::npos ? error + 7 : runtime;
  std::string kind = output.substr(from, output.find('\n', from) - from);
  if (error != std::string::npos) kind = kind.substr(0, kind.find(' ', kind.find(": ") + 2));
  std::size_t at = from;
  while ((at = output.find("\n    #", at)) != std::string::npos) {
    const std::size_t end = output.find('\n', at + 1);
    const std::string function = function_in(std::string_view(output).substr(at, end - at));
    // A place without a name has no parentheses.
    if (is_servers(function))
      return kind + " in " + function + (function.find("+0x") == std::string::npos ? "()" : "");
    at = at + 1;
  }
  return kind;
}

std::string place_of_crash(const std::string& output) {
  const std::string crash =
      output.find("ERROR: the server: ") == std::string::npos ? "" : crash_in(output);
  const std::size_t in = crash.find(" in ");
  return in == std::string::npos ? "" : "," + crash.substr(in);
}

Result<Plan> plan_of_input(const Scenario& scenario, const Target& target) {
  Result<Plan> plan = make_plan(scenario, target, PlanOptions{});
  if (!plan) return plan;
  if (plan->cases.empty()) return fail("the scenario is not for this server");
  if (const std::string what = not_simulated_of(*plan); !what.empty())
    return fail(what + " is not simulated");
  if (!std::ranges::all_of(steps_of(*plan),
                           [](const PlannedStep* step) { return leaves_server_as_it_is(*step); }))
    return fail("one of its steps outlives it");
  return plan;
}

Result<Scenario> scenario_of_input(std::string_view octets, const Target& target) {
  if (!octets.starts_with('{')) return decode(octets, target, kInputBudget);
  Document document = TRY(parse_document(std::string(octets), "the input"));
  return TRY(read_check(std::move(document))).first;
}

std::optional<Bytes> form_of_input(std::string_view octets, const Target& target) {
  if (!octets.starts_with('{')) return Bytes(octets);
  const Result<Scenario> scenario = scenario_of_input(octets, target);
  if (!scenario) return std::nullopt;
  Result<Bytes> form =
      encode(make_legal(*scenario, target, kInputBudget), target, Texts::leave_out);
  return form ? std::optional(*std::move(form)) : std::nullopt;
}

Trials::Trials(sim::ServerProgram program, sim::ServerMemory memory, Target target,
               QuickPlayerOptions place, int seconds)
    : program_(std::move(program)),
      memory_(std::move(memory)),
      target_(std::move(target)),
      place_(std::move(place)),
      seconds_(seconds) {}

/// What `body` says, in a child that has the simulation to itself.
template <typename Body>
std::string Trials::in_child(Body body) {
  const OwnedFd said{::memfd_create("said", MFD_CLOEXEC)};
  const OwnedFd written{::memfd_create("written", MFD_CLOEXEC)};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(written.raw(), STDOUT_FILENO);
    ::dup2(written.raw(), STDERR_FILENO);
    // Of processor time: a busy machine makes nobody late.
    const rlimit limit{.rlim_cur = static_cast<rlim_t>(seconds_),
                       .rlim_max = static_cast<rlim_t>(seconds_) + 1};
    ::setrlimit(RLIMIT_CPU, &limit);
    ::signal(SIGXCPU, SIG_DFL);
    sim::Simulation simulation(program_, memory_);
    simulation.on_crash = on_crash;
    said_ = said.raw();
    say(body(simulation));
    static_cast<void>(std::fflush(nullptr));
    ::_exit(0);
  }
  // And one that sleeps for real, which no simulated server does.
  const Deadline deadline = Deadline::after(std::chrono::seconds(seconds_) * 20);
  was_late_ = false;
  while (child > 0 && ::waitpid(child, &ended_as_, WNOHANG) == 0) {
    if (deadline.has_passed()) {
      was_late_ = true;
      ::kill(child, SIGKILL);
    }
    ::poll(nullptr, 0, 1);
  }
  was_late_ = was_late_ || (WIFSIGNALED(ended_as_) && WTERMSIG(ended_as_) == SIGXCPU);
  output_ = contents_of(written);
  return contents_of(said);
}

void Trials::say(const std::string& text) const {
  static_cast<void>(::pwrite(said_, text.data(), text.size(), 0));
}

std::optional<Suspicion> Trials::play_briefly(const Scenario& scenario) {
  return play(scenario, nullptr, true);
}

void report_briefly() {
  if (!is_told_in_brief || __asan_get_report_pc == nullptr) return;
  Dl_info info{};
  void* const place = __asan_get_report_pc();
  auto number = reinterpret_cast<std::uintptr_t>(place);
  if (::dladdr(place, &info) != 0) number -= reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  const std::string text = fmt::format("\nERROR: AddressSanitizer: {} \n    #0 in {:#x}\n",
                                       __asan_get_report_description(), number);
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
  ::_exit(1);
}

std::optional<Suspicion> Trials::play(const Scenario& scenario, std::string* calls, bool is_brief) {
  const Result<Plan> plan = plan_of_input(scenario, target_);
  if (!plan) return std::nullopt;
  const OwnedFd called{::memfd_create("called", MFD_CLOEXEC)};
  const std::string said = in_child([&](sim::Simulation& simulation) -> std::string {
    is_told_in_brief = is_brief;
    simulation.on_report = report_briefly;
    std::optional<CallLog> log;
    if (calls != nullptr) log.emplace(simulation, called.raw());
    QuickPlayer player(simulation, target_, place_);
    if (const Result<void> started = player.start(); !started)
      return "start\n" + to_string(started.error());
    const std::optional<Suspicion> suspicion = player.play(*plan);
    return suspicion ? suspicion->rule + "\n" + suspicion->what : "nothing";
  });
  if (calls != nullptr) *calls = contents_of(called);
  if (was_late_) return Suspicion{"hang", fmt::format("no end after {} s", seconds_)};
  if (said == "nothing") return std::nullopt;
  if (const std::size_t end = said.find('\n'); end != std::string::npos)
    return Suspicion{said.substr(0, end), said.substr(end + 1) + place_of_crash(output_)};
  const std::string crash = crash_in(output_);
  if (!crash.empty()) return Suspicion{"crash", crash};
  if (WIFSIGNALED(ended_as_))
    return Suspicion{"crash", fmt::format("killed by {}", ::strsignal(WTERMSIG(ended_as_)))};
  return Suspicion{"crash", fmt::format("it ended with status {}", WEXITSTATUS(ended_as_))};
}

std::string Trials::explain(const Scenario& scenario) {
  Result<Plan> plan = plan_of_input(scenario, target_);
  if (!plan) return to_string(plan.error());
  describe_steps(*plan);
  const std::string said = in_child([&](sim::Simulation& simulation) -> std::string {
    const auto world = make_simulated_world(
        simulation, target_, SimulatedWorldOptions{.port = place_.port, .path = place_.path});
    Recording head;
    head.target = target_;
    head.scenario = write_scenario(scenario);
    head.scenario_file = scenario.id;
    head.cases.emplace_back();
    head.version = version();
    PlayOptions options;
    options.on_begin = [&](const std::vector<Event>& events) {
      before_death_by_sanitizer([&] {
        head.events = events;
        const std::string text = write_recording(head);
        say(std::to_string(text.size()) + "\n" + text);
      });
    };
    Played played = sockdrill::play(*world, *plan, options);
    before_death_by_sanitizer([] {});  // the events are elsewhere now
    head.events = std::exchange(played.recording.events, {});
    played.recording = std::move(head);
    RunResult result{.check = scenario.id, .target = target_.name, .summary = scenario.summary};
    result.scenario_text = write_scenario(scenario).dump(2);
    result.verdict = judge(*plan, played.recording);
    std::string text = write_recording(played.recording);
    const std::string size = std::to_string(text.size()) + "\n";
    if (result.verdict.grade != Grade::fail) return size + text;
    result.plan = *plan;
    result.recording = std::move(played.recording);
    return size + text + sockdrill::explain(result, false);
  });
  const std::size_t begin = said.find('\n') + 1;
  const std::size_t size = static_cast<std::size_t>(std::atoll(said.c_str()));
  if (begin == 0 || begin + size > said.size()) return {};  // it crashed on the way
  recording_ = said.substr(begin, size);
  return said.substr(begin + size);
}

}  // namespace sockdrill
