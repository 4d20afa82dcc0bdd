// A server as a libFuzzer target: linked with its own, unmodified main(). An input is a scenario in
// compact form; the server runs on from one to the next, and after each one everything that clients
// hold is closed and drained, and a fresh client must be served.
//
//   fuzz-NAME [LIBFUZZER OPTION]... [CORPUS]...
//   fuzz-NAME --play FILE                an input, or a scenario as JSON, in a clean process
//   fuzz-NAME --explain FILE [FOLDER]    the same, minimised and explained (finding.h)
//   SOCKDRILL_AS_SERVER=1 fuzz-NAME ...  the server itself, on the real kernel

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/fuzz/join.h"
#include "harness/fuzz/mutate.h"
#include "harness/fuzzer/finding.h"
#include "harness/fuzzer/trials.h"

// libFuzzer without its main().
extern "C" int LLVMFuzzerRunDriver(int* count, char*** arguments,
                                   int (*run_one)(const std::uint8_t* data, std::size_t size));

// Called by AddressSanitizer before it says a word.
extern "C" void __asan_on_error();
void __asan_on_error() { sockdrill::sim::current_task = nullptr; }

// What sockdrill_add_server_fuzzer() writes: the server's manifest, of one target, and where it
// listens; and, from the linker script, where the server's variables lie.
extern const char* const sockdrill_fuzzer_manifest;
extern const unsigned short sockdrill_fuzzer_port;
extern const char* const sockdrill_fuzzer_path;
extern "C" {
extern char sockdrill_server_begin[];  // NOLINT: the linker's
extern char sockdrill_server_end[];
}

namespace sockdrill {

namespace {

/// An input is a small scenario: what is large is slow, and finds nothing more.
constexpr Budget kInputBudget{.steps = 64, .octets = std::uint64_t{1} << 17U};
/// So many inputs are kept, should a finding need those before it.
constexpr std::size_t kHistory = 64;

QuickPlayerOptions place() {
  return {.port = sockdrill_fuzzer_port, .path = sockdrill_fuzzer_path};
}

class ServerFuzzer final {
 public:
  ServerFuzzer(sim::ServerProgram program, sim::ServerMemory memory, Target target)
      : target_(std::move(target)), simulation_(std::move(program), std::move(memory)) {}

  int run_one(std::string_view octets);
  [[nodiscard]] const Target& target() const { return target_; }
  std::string self;             ///< this program, as it was called
  std::string artifact_prefix;  ///< libFuzzer's option

 private:
  void start();
  void complain(const Suspicion& suspicion, std::string_view octets);

  Target target_;
  sim::Simulation simulation_;
  std::unique_ptr<QuickPlayer> player_;
  std::deque<Scenario> history_;  ///< the last of it is being played
};

// A crash is reported from where it happened, on the server's stack; what reports it (libFuzzer, a
// sanitizer) calls the C library, and means the real one.

std::array<struct sigaction, NSIG> reporters;

void report_outside(int number, siginfo_t* info, void* context) {
  sim::current_task = nullptr;
  const struct sigaction& reporter = reporters[static_cast<std::size_t>(number)];
  if ((reporter.sa_flags & SA_SIGINFO) != 0)
    reporter.sa_sigaction(number, info, context);
  else if (reporter.sa_handler != SIG_DFL && reporter.sa_handler != SIG_IGN)
    reporter.sa_handler(number);
  ::signal(number, SIG_DFL);  // and the call or the fault comes again
}

void let_crashes_be_reported() {
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    struct sigaction ours {};
    ours.sa_sigaction = report_outside;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(number, &ours, &reporters[static_cast<std::size_t>(number)]);
  }
}

void ServerFuzzer::start() {
  let_crashes_be_reported();
  player_ = std::make_unique<QuickPlayer>(simulation_, target_, place());
  if (const Result<void> started = player_->start(); !started) {
    fmt::print(stderr, "{}\n", to_string(started.error()));
    ::_exit(2);
  }
}

int ServerFuzzer::run_one(std::string_view octets) {
  Scenario scenario = decode(octets, target_, kInputBudget);
  const Result<Plan> plan = plan_of_input(scenario, target_);
  // The server is not to blame, and neither is anything that was fuzzed.
  if (!plan) return -1;
  if (player_ == nullptr) start();
  history_.push_back(std::move(scenario));
  if (history_.size() > kHistory) history_.pop_front();
  const std::optional<Suspicion> suspicion = player_->play(*plan);
  if (!simulation_.not_simulated().empty()) {
    fmt::print(stderr, "the server calls {}, which is not simulated\n",
               simulation_.not_simulated());
    ::_exit(2);
  }
  if (suspicion) complain(*suspicion, octets);
  return 0;
}

/// The input, and beside it those before it as one scenario. LibFuzzer keeps the input as well, for
/// we abort.
void ServerFuzzer::complain(const Suspicion& suspicion, std::string_view octets) {
  const std::string file =
      fmt::format("{}found-{:016x}", artifact_prefix, std::hash<std::string_view>{}(octets));
  const Scenario history = join({history_.begin(), history_.end()});
  for (const auto& written :
       {write_file(file, octets),
        write_file(file + ".history", write_scenario(history).dump(2) + "\n")})
    if (!written) fmt::print(stderr, "{}: {}\n", file, describe(written.error()));
  fmt::print(stderr, "sockdrill: {}: {}\nsockdrill: to minimise and explain it: {} --explain {}\n",
             suspicion.rule, suspicion.what, self, file);
  std::abort();
}

// libFuzzer calls a function, and hands it nothing of ours.
ServerFuzzer* the_fuzzer = nullptr;

std::string_view octets_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::size_t give_back(const Bytes& form, std::uint8_t* out) {
  std::copy(form.begin(), form.end(), out);
  return form.size();
}

int run_input(const std::uint8_t* data, std::size_t size) {
  return the_fuzzer->run_one(octets_of(data, size));
}

Result<Target> read_target() {
  const Document document = TRY(parse_document(sockdrill_fuzzer_manifest, "manifest"));
  std::vector<Target> targets = TRY(read_targets(document));
  return std::move(targets.front());
}

sim::ServerMemory memory_of_server() {
  sim::ServerMemory memory;
  memory.variables.emplace_back(
      sockdrill_server_begin,
      static_cast<std::size_t>(sockdrill_server_end - sockdrill_server_begin));
  return memory;
}

/// --play, --explain; the status. Nothing: these are words for libFuzzer.
std::optional<int> carry_out(const std::vector<std::string>& words, sim::ServerProgram program,
                             const Target& target) {
  const bool plays = words.size() == 3 && words[1] == "--play";
  const bool explains = (words.size() == 3 || words.size() == 4) && words[1] == "--explain";
  if (!plays && !explains) return std::nullopt;
  Trials trials(std::move(program), memory_of_server(), target, place());
  if (plays) return play_input(trials, words[2]);
  return write_finding(trials, words[2], words.size() == 4 ? words[3] : words[2] + ".finding",
                       words[0]);
}

}  // namespace

namespace sim {

bool should_drive() { return std::getenv("SOCKDRILL_AS_SERVER") == nullptr; }

int drive(ServerProgram program) {
  Result<Target> target = read_target();
  if (!target) {
    fmt::print(stderr, "{}\n", to_string(target.error()));
    return 2;
  }
  // The command line is ours and libFuzzer's; the server's own is the manifest's.
  std::vector<std::string> words = std::exchange(program.arguments, target->command);
  reserve_descriptors();
  std::optional<int> status = carry_out(words, program, *target);
  if (!status) {
    ServerFuzzer fuzzer(std::move(program), memory_of_server(), std::move(*target));
    the_fuzzer = &fuzzer;
    fuzzer.self = words[0];
    std::vector<char*> pointers;
    for (std::string& word : words) {
      constexpr std::string_view kPrefix = "-artifact_prefix=";
      if (word.starts_with(kPrefix)) fuzzer.artifact_prefix = word.substr(kPrefix.size());
      pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    int count = static_cast<int>(words.size());
    char** arguments = pointers.data();
    status = LLVMFuzzerRunDriver(&count, &arguments, run_input);
  }
  static_cast<void>(std::fflush(nullptr));
  ::_exit(*status);  // the server's own variables are not ours to destroy
}

}  // namespace sim
}  // namespace sockdrill

// Our own mutators. Octets that they would not make are what decoding must bear, and add nothing
// here.

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed);
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t most,
                                                 unsigned seed);

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed) {
  using namespace sockdrill;
  return give_back(
      mutate_form(octets_of(data, size), the_fuzzer->target(), seed, most, kInputBudget), data);
}

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                      const std::uint8_t* other, std::size_t other_size,
                                      std::uint8_t* out, std::size_t most, unsigned seed) {
  using namespace sockdrill;
  return give_back(cross_over_forms(octets_of(one, one_size), octets_of(other, other_size),
                                    the_fuzzer->target(), seed, most, kInputBudget),
                   out);
}
