// LibFuzzer without its main(), with mutators of our own: octets that they would not make are what
// decoding must bear, and add nothing here.

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "harness/fuzz/mutate.h"
#include "harness/fuzzer/server_fuzzer.h"
#include "harness/fuzzer/trials.h"
#include "harness/sim/tasks/task.h"
#include "harness/sim/tasks/thread_pointer.h"

extern "C" int LLVMFuzzerRunDriver(int* count, char*** arguments,
                                   int (*run_one)(const std::uint8_t* data, std::size_t size));
// Handed to the driver; under this name, for by it OSS-Fuzz and ClusterFuzzLite know a fuzz target.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Called by the sanitizers before they say a word; of a preloaded library by those that are shared.
extern "C" __attribute__((visibility("default"))) void __asan_on_error();
extern "C" __attribute__((visibility("default"))) void __ubsan_on_report();

namespace sockdrill {

namespace {

// libFuzzer calls functions, and hands them nothing of ours.
ServerFuzzer* the_fuzzer = nullptr;

// A crash, or that an input takes too long, is reported from where it happened, on the server's
// stack; what reports it (libFuzzer, a sanitizer) calls the C library, and means the real one.

std::array<struct sigaction, NSIG> reporters;

/// libFuzzer's -timeout; its own is this when nothing is said.
std::chrono::seconds longest_input{1200};
/// That of the thread which fuzzes. libFuzzer hears of no alarm that comes to another one, and a
/// server's thread may have a pointer of its own.
sim::ThreadPointer own_pointer = 0;

/// Whoever was there before us. Uses no thread_local itself.
[[gnu::noinline]] void call_reporter(int number, siginfo_t* info, void* context) {
  const sim::ThreadPointer before = sim::thread_pointer();
  if (before != own_pointer) sim::set_thread_pointer(own_pointer);
  const struct sigaction& reporter = reporters[static_cast<std::size_t>(number)];
  if ((reporter.sa_flags & SA_SIGINFO) != 0)
    reporter.sa_sigaction(number, info, context);
  else if (reporter.sa_handler != SIG_DFL && reporter.sa_handler != SIG_IGN)
    reporter.sa_handler(number);
  if (before != own_pointer) sim::set_thread_pointer(before);
}

void report_outside(int number, siginfo_t* info, void* context) {
  const sim::Outside outside;
  if (number == SIGALRM)
    the_fuzzer->keep_late_input(longest_input);
  else
    the_fuzzer->keep_input();
  call_reporter(number, info, context);
  if (number != SIGALRM) ::signal(number, SIG_DFL);  // and the call or the fault comes again
}

void let_them_be_reported() {
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM}) {
    struct sigaction& reporter = reporters[static_cast<std::size_t>(number)];
    ::sigaction(number, nullptr, &reporter);
    // One that ends in the process' end, or in the server's alone (contain_crashes()), stays.
    const bool is_reported =
        (reporter.sa_flags & SA_SIGINFO) != 0 || reporter.sa_handler != SIG_DFL;
    if (!is_reported || (sim::contains_crashes() && number != SIGALRM)) continue;
    struct sigaction ours {};
    ours.sa_sigaction = report_outside;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(number, &ours, nullptr);
  }
}

void begin_report() {
  sim::current_task = nullptr;
  report_briefly();
  if (the_fuzzer != nullptr) the_fuzzer->keep_input();
}

std::string_view octets_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

std::size_t give_back(const Bytes& form, std::uint8_t* out) {
  std::copy(form.begin(), form.end(), out);
  return form.size();
}

}  // namespace

int run_libfuzzer(ServerFuzzer& fuzzer, std::vector<std::string> words) {
  the_fuzzer = &fuzzer;
  own_pointer = sim::thread_pointer();
  if (const std::string limit = option_in(words, "-timeout="); !limit.empty())
    longest_input = std::chrono::seconds(std::atoi(limit.c_str()));
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(words.size());
  char** arguments = pointers.data();
  return LLVMFuzzerRunDriver(&count, &arguments, LLVMFuzzerTestOneInput);
}

}  // namespace sockdrill

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed);
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t most,
                                                 unsigned seed);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  // Now the handlers are there, libFuzzer's and the sanitizer's.
  static const bool is_first = [] {
    let_them_be_reported();
    return true;
  }();
  static_cast<void>(is_first);
  return the_fuzzer->run_one(octets_of(data, size));
}

void __asan_on_error() { sockdrill::begin_report(); }
void __ubsan_on_report() { sockdrill::begin_report(); }

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
