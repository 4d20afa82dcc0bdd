#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/cli/selection.h"
#include "harness/suite/suite.h"

namespace sockdrill {

namespace {

// Written by the signal handler only.
std::atomic<bool> interrupted{false};

extern "C" void on_interrupt(int /*signal*/) {
  // The second time, at once: the stages end with us, whatever we were doing.
  if (interrupted.exchange(true)) ::_exit(kExitInterrupted);
}

/// A report and where it goes. The file is written when the run is over, so that a full disk is
/// noticed and told.
struct ReportFile {
  std::string path;
  std::shared_ptr<std::ofstream> stream;
};

bool wants_color(int fd) { return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr; }

Result<std::unique_ptr<Reporter>> make_reporter(const std::string& format, const Sink& sink,
                                                const ConsoleOptions& console) {
  const std::vector<std::string> formats = {"console", "junit", "tap", "json"};
  if (format == "console") return make_console_reporter(sink, console);
  if (format == "junit") return make_junit_reporter(sink);
  if (format == "tap") return make_tap_reporter(sink);
  if (format == "json") return make_json_reporter(sink);
  return fail(fmt::format("unknown format '{}': expected {}{}", format, join_or(formats),
                          did_you_mean(format, formats)),
              "--report");
}

Result<std::vector<std::unique_ptr<Reporter>>> make_reporters(const RunArguments& arguments,
                                                              std::vector<ReportFile>& files) {
  std::vector<std::unique_ptr<Reporter>> reporters;
  ConsoleOptions console{.color = wants_color(STDOUT_FILENO),
                         .progress = ::isatty(STDOUT_FILENO) == 1,
                         .verbose = arguments.verbose};
  bool is_stdout_taken = false;
  for (const std::string& report : arguments.reports) {
    const std::size_t equals = report.find('=');
    const std::string format = report.substr(0, equals);
    if (equals == std::string::npos) {
      if (std::exchange(is_stdout_taken, true))
        return fail(
            "two reports want standard output: give one of them a file, as in junit=report.xml",
            "--report");
      reporters.push_back(TRY(make_reporter(format, print, console)));
      continue;
    }
    ReportFile file{.path = report.substr(equals + 1),
                    .stream = std::make_shared<std::ofstream>(report.substr(equals + 1),
                                                              std::ios::binary | std::ios::trunc)};
    if (!*file.stream)
      return fail(fmt::format("cannot be written: {}", describe(last_errno())), file.path);
    const Sink sink = [stream = file.stream](std::string_view text) {
      stream->write(text.data(), static_cast<std::streamsize>(text.size()));
    };
    reporters.push_back(
        TRY(make_reporter(format, sink, ConsoleOptions{.verbose = arguments.verbose})));
    files.push_back(std::move(file));
  }
  if (!is_stdout_taken) reporters.insert(reporters.begin(), make_console_reporter(print, console));
  return reporters;
}

Result<void> read_shard(const std::string& text, SuiteOptions& suite) {
  if (text.empty()) return {};
  unsigned shard = 0;
  unsigned shards = 0;
  char rest = 0;
  const bool is_good = std::sscanf(text.c_str(), "%u/%u%c", &shard, &shards, &rest) == 2 &&
                       shard >= 1 && shard <= shards && shards <= 10000;
  if (!is_good)
    return fail(fmt::format("'{}': expected I/N with 1 <= I <= N, such as 2/5", text), "--shard");
  suite.shard = shard;
  suite.shards = shards;
  return {};
}

}  // namespace

int carry_out(const RunArguments& arguments) {
  Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const Selection& selection = arguments.selection;
  SuiteOptions suite = arguments.suite;
  if (const Result<void> shard = read_shard(arguments.shard, suite); !shard)
    return complain(shard.error());
  const Result<Bindings> only = read_bindings(selection.set);
  if (!only) return complain(only.error());
  suite.only = *only;
  const Result<std::vector<Check>> checks = select_checks(*installation, selection.checks);
  if (!checks) return complain(checks.error());
  const Result<std::vector<Target>> targets = select(*installation, selection.target);
  if (!targets) return complain(targets.error());
  if (checks->empty()) {
    static_cast<void>(complain(Error{"no check matches; `sockdrill list` shows them all", ""}));
    return kExitNothing;
  }
  suite.replay_options = repeat(selection.target);

  // Before any thread is made: from here on we live in namespaces of our own.
  Result<Home> home = enter_home(!arguments.no_isolation);
  if (!home) {
    static_cast<void>(complain(home.error()));
    return kExitOurError;
  }
  if (!home->isolated) {
    static_cast<void>(std::fprintf(
        stderr, "sockdrill: no isolation: %s; servers run on this host's loopback, one at a time\n",
        home->why_degraded.c_str()));
    suite.jobs = 1;
  }
  std::vector<ReportFile> files;
  Result<std::vector<std::unique_ptr<Reporter>>> reporters = make_reporters(arguments, files);
  if (!reporters) return complain(reporters.error());
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  int code = run_suite(*home, *installation, *checks, *targets, suite, *reporters, interrupted);
  for (const ReportFile& file : files) {
    file.stream->flush();
    if (*file.stream) continue;
    static_cast<void>(complain(
        Error{fmt::format("the report is not complete: {}", describe(last_errno())), file.path}));
    if (code == kExitPassed) code = kExitOurError;
  }
  return code;
}

}  // namespace sockdrill
