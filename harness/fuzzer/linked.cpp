// A server as a libFuzzer target: linked with its own, unmodified main(). An input is a scenario in
// compact form.
//
//   fuzz-NAME [LIBFUZZER OPTION]... [CORPUS]...
//   fuzz-NAME --play FILE                an input, or a scenario as JSON, in a clean process
//   fuzz-NAME --explain FILE [FOLDER]    the same, minimised and explained (finding.h)
//   SOCKDRILL_AS_SERVER=1 fuzz-NAME ...  the server itself, on the real kernel

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "harness/base/elf.h"
#include "harness/base/try.h"
#include "harness/fuzzer/held_memory.h"
#include "harness/fuzzer/own_heap.h"
#include "harness/fuzzer/server_fuzzer.h"

// What sockdrill_add_server_fuzzer() writes: the server's manifest, of one target, and where it
// listens; and, from the linker script, where the server's variables lie.
extern const char* const sockdrill_fuzzer_manifest;
extern const unsigned short sockdrill_fuzzer_port;
extern const char* const sockdrill_fuzzer_path;
extern "C" {
extern char sockdrill_server_begin[];  // NOLINT: the linker's
extern char sockdrill_server_end[];
}

// Asked by LeakSanitizer, where the server has it: it does not see the simulation's stacks, and
// what only they refer to is no leak. Growth of the heap is looked for between inputs.
extern "C" int __lsan_is_turned_off() { return 1; }

namespace sockdrill {

namespace {

Result<Target> read_target() {
  const Document document = TRY(parse_document(sockdrill_fuzzer_manifest, "manifest"));
  std::vector<Target> targets = TRY(read_targets(document));
  return std::move(targets.front());
}

QuickPlayerOptions place_of_server() {
  return {.port = sockdrill_fuzzer_port,
          .path = sockdrill_fuzzer_path,
          .on_outcome = {},
          .knows_memory = begin_to_count_memory(),
          .on_play_again = {}};
}

/// Of a program without names nobody knows. Those that are not the server's: ours, libFuzzer's and
/// the sanitizers'.
bool has_thread_locals() {
  static constexpr std::array<std::string_view, 10> kNotTheServers{
      "_ZN9sockdrill3sim", "9sockdrill6Schema", "_ZN6fuzzer", "__sancov",   "_ZN11__sanitizer",
      "_ZN7__ubsan",       "_ZN6__asan",        "_ZN6__lsan", "pglob_copy", "scandir"};
  static const bool has_some = [] {
    const std::vector<ElfSymbol> all = symbols_in_elf("/proc/self/exe", ElfKind::thread_variable);
    return all.empty() || std::ranges::any_of(all, [](const ElfSymbol& one) {
             return std::ranges::none_of(kNotTheServers, [&](std::string_view known) {
               return one.name.find(known) != std::string::npos;
             });
           });
  }();
  return has_some;
}

sim::ServerMemory memory_of_server() {
  sim::ServerMemory memory;
  memory.has_thread_locals = has_thread_locals;
  memory.variables.emplace_back(
      sockdrill_server_begin,
      static_cast<std::size_t>(sockdrill_server_end - sockdrill_server_begin));
  return memory;
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
  own_heap.begin();
  keep_common_heap();
  // The command line is ours and libFuzzer's; the server's own is the manifest's.
  const std::vector<std::string> words = std::exchange(program.arguments, target->command);
  const QuickPlayerOptions place = place_of_server();
  reserve_descriptors();
  std::optional<int> status;
  {
    Trials trials(program, memory_of_server(), *target, place);
    status = carry_out_trial(words, trials, seen_again_by(words[0], *target, place));
  }
  if (!status) {
    ServerFuzzer fuzzer(
        std::move(program), memory_of_server(), std::move(*target),
        ServerFuzzerOptions{.place = place,
                            .artifact_prefix = option_in(words, "-artifact_prefix="),
                            .explain = words[0] + " --explain",
                            .on_start = {},
                            .on_input = {},
                            .refine = {},
                            .is_known = {},
                            .say = {}});
    status = run_libfuzzer(fuzzer, words);
  }
  static_cast<void>(std::fflush(nullptr));
  ::_exit(*status);  // the server's own variables are not ours to destroy
}

}  // namespace sim
}  // namespace sockdrill
