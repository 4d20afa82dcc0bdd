// The library that `sockdrill fuzz` preloads into a stock server: libFuzzer and the simulated
// kernel in its process, and nothing of its source. Without a request the program runs as ever.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/fuzzer/death_by_sanitizer.h"
#include "harness/fuzzer/feedback.h"
#include "harness/fuzzer/fuzz_request.h"
#include "harness/fuzzer/line_counters.h"
#include "harness/fuzzer/program_text.h"
#include "harness/fuzzer/server_fuzzer.h"
#include "harness/fuzzer/trials.h"
#include "harness/simulated/take_over.h"

namespace sockdrill {

namespace {

/// What a server says is kept, for those who want to know what it said last, up to this size.
constexpr off_t kMostOutput = off_t{1} << 20U;
constexpr std::size_t kMostResident = std::size_t{1} << 30U;
/// So many inputs' worth of counts is lost at most by an end of the process that nobody can
/// foresee.
constexpr std::uint64_t kInputsBetweenCounts = 256;

/// Of this process.
std::size_t resident_octets() {
  const std::string text = read_file("/proc/self/statm").value_or("");
  const std::size_t space = text.find(' ');
  return space == std::string::npos ? 0 : std::strtoull(&text[space], nullptr, 10) * 4096;
}

void report_crash(const sim::Task& /*task*/, int signal, std::optional<std::uintptr_t> address) {
  const std::string text =
      fmt::format("ERROR: the server: SIG{}{}\n{}\n", ::sigabbrev_np(signal),
                  address ? fmt::format(" on address {:#x}", *address) : "", describe_stack());
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

/// Takes the place of stdout and stderr, and never blocks the server.
class ServerOutput final {
 public:
  ServerOutput() : memory_(::memfd_create("output", MFD_CLOEXEC)) {
    ::fcntl(memory_.raw(), F_SETFL, O_APPEND);
  }
  void take_over() const {
    ::dup2(memory_.raw(), STDOUT_FILENO);
    ::dup2(memory_.raw(), STDERR_FILENO);
  }
  void keep_small() const {
    struct stat status {};
    if (::fstat(memory_.raw(), &status) == 0 && status.st_size > kMostOutput) clear();
  }
  void clear() const { static_cast<void>(::ftruncate(memory_.raw(), 0)); }
  [[nodiscard]] std::string text() const { return contents_of(memory_); }

 private:
  OwnedFd memory_;
};

/// What the command has mapped, too; or nobody, when there is no such file.
FuzzCounters& counters_in(const std::string& file) {
  static FuzzCounters nobodys;
  if (file.empty()) return nobodys;
  const OwnedFd fd{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
  if (!fd.is_open()) return nobodys;
  void* const place =
      ::mmap(nullptr, sizeof(FuzzCounters), PROT_READ | PROT_WRITE, MAP_SHARED, fd.raw(), 0);
  return place == MAP_FAILED ? nobodys : *static_cast<FuzzCounters*>(place);
}

/// The counts of the server's lines, written where the command wants them, if it does.
class LinesCounted final {
 public:
  /// The error: they are wanted, and there are none.
  static Result<LinesCounted> open(const std::string& prefix) {
    LinesCounted lines;
    lines.prefix_ = prefix;
    if (!prefix.empty()) lines.counters_ = TRY(LineCounters::find());
    return lines;
  }
  void write() const {
    if (!counters_) return;
    if (const Result<void> written = counters_->write(prefix_); !written)
      fmt::print(stderr, "{}\n", to_string(written.error()));
  }

 private:
  std::string prefix_;
  std::optional<LineCounters> counters_;
};

// exit(3) calls functions, and hands them nothing of ours; libFuzzer ends by it.
const LinesCounted* the_lines = nullptr;

/// Of one that is no error of the server's ("AddressSanitizer: CHECK failed ...").
std::string first_line_of_report(const std::string& output) {
  const std::size_t at = output.find("Sanitizer: ");
  if (at == std::string::npos) return "a sanitizer ended the process, and says nothing";
  const std::size_t begin = output.rfind('\n', at) + 1;
  return output.substr(begin, output.find('\n', at) - begin);
}

int fuzz(const FuzzRequest& request, sim::ServerProgram program, const QuickPlayerOptions& place) {
  // libFuzzer says what it has to say to stderr, before and while the server has ours.
  const OwnedFd outside{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, sim::kFirstRealNumber)};
  const Result<LinesCounted> lines = LinesCounted::open(request.lines);
  if (!lines) {
    fmt::print(stderr, "\nsockdrill: cannot be fuzzed: {}\n", to_string(lines.error()));
    return 2;
  }
  the_lines = &*lines;
  std::atexit([] { the_lines->write(); });
  const ServerOutput output;
  FuzzCounters& counters = counters_in(request.counters);
  const std::set<std::string> known(request.known.begin(), request.known.end());
  std::optional<Feedback> feedback;
  ServerFuzzer* the_fuzzer = nullptr;
  ServerFuzzerOptions options{.place = place};
  options.artifact_prefix = option_in(request.words, "-artifact_prefix=");
  options.on_start = [&] {
    output.take_over();
    // In the place of libFuzzer's, which knows the last input, and nothing of those before it.
    before_death_by_sanitizer([&] {
      lines->write();
      const std::string text = output.text();
      const std::string crash = crash_in(text);
      the_fuzzer->die_of(Suspicion{"crash", crash.empty() ? first_line_of_report(text) : crash});
    });
  };
  options.on_input = [&] {
    feedback->forget_clients();
    ++counters.inputs;
    counters.features = Feedback::seen();
    if (counters.inputs % kInputsBetweenCounts == 0) lines->write();
    if (counters.inputs % 1024 != 0) return;
    output.keep_small();
    // A server may keep what it is told to keep. That is no leak, and another one goes on.
    if (resident_octets() > kMostResident) ::_exit(kExitToGoOn);
  };
  options.refine = [&](Suspicion& suspicion) {
    lines->write();  // the process may end with it
    suspicion.what += place_of_crash(output.text());
  };
  options.is_known = [&](const Suspicion& suspicion) {
    // A crash leaves a heap behind that no server should be started on.
    if (suspicion.rule == "invariant/alive" || !known.contains(identity_of(suspicion)))
      return false;
    output.clear();
    ++counters.known;
    return true;
  };
  options.say = [&](const std::string& what) {
    const std::string text = output.text() + "\n" + what;
    static_cast<void>(!::write(outside.raw(), text.data(), text.size()));
  };
  options.place.on_outcome = [&](const std::string& client, ClientOutcome outcome,
                                 std::string_view octets) {
    feedback->on_outcome(client, outcome, octets);
  };
  ServerFuzzer fuzzer(std::move(program), sim::memory_of_program(), request.target,
                      std::move(options));
  the_fuzzer = &fuzzer;
  feedback.emplace(fuzzer.simulation(), request.target.speaks.style == Style::echo);
  fuzzer.simulation().on_crash = report_crash;
  adopt_counters_of_program();
  const int status = run_libfuzzer(fuzzer, request.words);
  lines->write();
  return status;
}

Result<int> answer(const std::string& request_file, sim::ServerProgram program) {
  const SysResult<std::string> text = read_file(request_file);
  if (!text) return fail(describe(text.error()), request_file);
  const FuzzRequest request = TRY(read_fuzz_request(*text, request_file));
  const QuickPlayerOptions place{.port = request.port, .path = request.path, .on_outcome = {}};
  {
    Trials trials(program, sim::memory_of_program(), request.target, place);
    trials.on_crash = report_crash;
    const SeenAgain again{.server = request.target,
                          .simulated = {"sockdrill", "fuzz", "--play"},
                          .real = {"sockdrill", "run"}};
    if (const std::optional<int> status = carry_out_trial(request.words, trials, again))
      return *status;
  }
  return fuzz(request, std::move(program), place);
}

}  // namespace

namespace sim {

bool should_drive() { return is_to_be_simulated(kFuzzVariable); }

int drive(ServerProgram program) {
  const std::string request_file = take_request(kFuzzVariable, program);
  reserve_descriptors();
  contain_crashes();
  const Result<int> status = answer(request_file, std::move(program));
  if (!status) fmt::print(stderr, "{}\n", to_string(status.error()));
  static_cast<void>(std::fflush(nullptr));
  ::_exit(status.value_or(2));
}

}  // namespace sim
}  // namespace sockdrill
