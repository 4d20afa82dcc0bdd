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
#include <utility>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/fuzz/mutate.h"
#include "harness/fuzzer/finding.h"
#include "harness/fuzzer/held_memory.h"
#include "harness/fuzzer/history.h"
#include "harness/fuzzer/trials.h"

// libFuzzer without its main().
extern "C" int LLVMFuzzerRunDriver(int* count, char*** arguments,
                                   int (*run_one)(const std::uint8_t* data, std::size_t size));

// Called by the sanitizers before they say a word.
extern "C" void __asan_on_error();
extern "C" void __ubsan_on_report();

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

QuickPlayerOptions place() {
  static const bool knows_memory = begin_to_count_memory();
  return {.port = sockdrill_fuzzer_port,
          .path = sockdrill_fuzzer_path,
          .knows_memory = knows_memory,
          .on_play_again = {}};
}

class ServerFuzzer final {
 public:
  ServerFuzzer(sim::ServerProgram program, sim::ServerMemory memory, Target target)
      : target_(std::move(target)), simulation_(std::move(program), std::move(memory)) {}

  int run_one(std::string_view octets);
  /// The input that is being played is kept, with those before it, and a word is said about it.
  /// LibFuzzer keeps it as well, in a file of its own. Good for signal handlers.
  void keep_input();
  [[nodiscard]] const Target& target() const { return target_; }
  std::string self;             ///< this program, as it was called
  std::string artifact_prefix;  ///< libFuzzer's option

 private:
  void start();

  Target target_;
  sim::Simulation simulation_;
  std::unique_ptr<QuickPlayer> player_;
  History history_;  ///< the last of it is being played
  bool is_input_kept_ = false;
};

// libFuzzer calls a function, and hands it nothing of ours; so do signals and sanitizers.
ServerFuzzer* the_fuzzer = nullptr;

// A crash is reported from where it happened, on the server's stack; what reports it (libFuzzer, a
// sanitizer) calls the C library, and means the real one.

void begin_report() {
  sim::current_task = nullptr;
  if (the_fuzzer != nullptr) the_fuzzer->keep_input();
}

std::array<struct sigaction, NSIG> reporters;

void report_outside(int number, siginfo_t* info, void* context) {
  begin_report();
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
  QuickPlayerOptions options = place();
  options.on_play_again = [this] { history_.add_again(); };
  player_ = std::make_unique<QuickPlayer>(simulation_, target_, options);
  if (const Result<void> started = player_->start(); !started) {
    fmt::print(stderr, "{}\n", to_string(started.error()));
    ::_exit(2);
  }
}

int ServerFuzzer::run_one(std::string_view octets) {
  const std::optional<Bytes> form = form_of_input(octets, target_);
  if (!form) return -1;
  const Result<Plan> plan = plan_of_input(decode(*form, target_, kInputBudget), target_);
  // The server is not to blame, and neither is anything that was fuzzed.
  if (!plan) return -1;
  if (player_ == nullptr) start();
  history_.add(*form);
  const std::optional<Suspicion> suspicion = player_->play(*plan);
  if (!simulation_.not_simulated().empty()) {
    fmt::print(stderr, "the server calls {}, which is not simulated\n",
               simulation_.not_simulated());
    ::_exit(2);
  }
  if (!suspicion) return 0;
  fmt::print(stderr, "sockdrill: {}: {}\n", suspicion->rule, suspicion->what);
  std::abort();  // which keeps the input
}

void ServerFuzzer::keep_input() {
  if (std::exchange(is_input_kept_, true)) return;
  const char* const file = history_.write(artifact_prefix);
  if (*file == '\0') return;
  for (const std::string_view part :
       {std::string_view("sockdrill: to minimise and explain it: "), std::string_view(self),
        std::string_view(" --explain "), std::string_view(file), std::string_view("\n")})
    static_cast<void>(::write(STDERR_FILENO, part.data(), part.size()));
}

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

void __asan_on_error() { sockdrill::begin_report(); }
void __ubsan_on_report() { sockdrill::begin_report(); }

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
  const Target& target = the_fuzzer->target();
  const Bytes form = form_of_input(octets_of(data, size), target).value_or("");
  return give_back(mutate_form(form, target, seed, most, kInputBudget), data);
}

std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                      const std::uint8_t* other, std::size_t other_size,
                                      std::uint8_t* out, std::size_t most, unsigned seed) {
  using namespace sockdrill;
  const Target& target = the_fuzzer->target();
  const Bytes a = form_of_input(octets_of(one, one_size), target).value_or("");
  const Bytes b = form_of_input(octets_of(other, other_size), target).value_or("");
  return give_back(cross_over_forms(a, b, target, seed, most, kInputBudget), out);
}
