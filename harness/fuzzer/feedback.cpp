#include "harness/fuzzer/feedback.h"

#include <link.h>

#include <algorithm>
#include <array>
#include <bit>

#include "harness/base/elf.h"
#include "harness/base/text.h"
#include "harness/fuzzer/program_text.h"
#include "harness/fuzzer/reply_class.h"

// libFuzzer's: it clears them before each input, and takes what has been counted after it as
// features.
extern "C" {
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t sockdrill_features[1U << 16U];
// Of libFuzzer, called by programs that were built for it when they are linked with it. Ours are
// not linked with it.
void __sanitizer_cov_8bit_counters_init(std::uint8_t* begin, std::uint8_t* end);
void __sanitizer_cov_pcs_init(const std::uintptr_t* begin, const std::uintptr_t* end);
}

namespace sockdrill {

namespace {

constexpr std::size_t kMostClasses = 512;

std::array<bool, sizeof sockdrill_features> ever;
std::size_t ever_seen = 0;

/// 64 bits well mixed (the finisher of SplitMix64).
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}

std::uint64_t combine(std::uint64_t one, std::uint64_t other) { return mix(one * 31 + other); }

struct Section {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

/// A section of the program as it was loaded; empty: it has none of that name.
Section section_of_program(std::string_view name) {
  std::uintptr_t base = 0;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* argument) {
        *static_cast<std::uintptr_t*>(argument) = info->dlpi_addr;
        return 1;  // the first is the program
      },
      &base);
  for (const ElfSection& section : sections_in_elf("/proc/self/exe")) {
    if (section.name == name)
      return {base + section.address, base + section.address + section.size};
  }
  return {};
}

}  // namespace

Feedback::Feedback(sim::Simulation& simulation, bool replies_are_requests)
    : replies_are_requests_(replies_are_requests) {
  simulation.on_call = [this](const sim::Task& task, const sim::CallSeen& call) {
    on_call(task, call);
  };
  simulation.on_answer = [this](const sim::Task& /*task*/, long answer) {
    // An errno is one of its own, sizes count by their magnitude.
    const auto size = static_cast<unsigned long>(std::max(answer, 0L));
    const std::uint64_t kind = answer < 0 ? static_cast<std::uint64_t>(-answer) + 100
                                          : static_cast<std::uint64_t>(std::bit_width(size));
    count(combine(last_call_, kind));
  };
}

void Feedback::count(std::uint64_t hash) {
  const std::size_t place = hash % sizeof sockdrill_features;
  if (sockdrill_features[place] < 255) ++sockdrill_features[place];
  if (ever[place]) return;
  ever[place] = true;
  ++ever_seen;
}

std::size_t Feedback::seen() { return ever_seen; }

void Feedback::on_call(const sim::Task& task, const sim::CallSeen& call) {
  const std::uint64_t here =
      combine(hash_of(call.name),
              program_text().return_address_above(__builtin_frame_address(0), task.stack_top()));
  count(combine(last_call_, here));
  last_call_ = here;
}

void Feedback::on_outcome(const std::string& client, ClientOutcome outcome,
                          std::string_view octets) {
  if (outcome == ClientOutcome::end) return follow(client, "(end)");
  if (outcome == ClientOutcome::error) return follow(client, "(error)");
  if (replies_are_requests_) return follow(client, "(reply)");
  for (const std::string& each : classes_of_replies(octets)) {
    const bool is_one_too_many = classes_.size() >= kMostClasses && !classes_.contains(each);
    follow(client, is_one_too_many ? "(other)" : each);
  }
}

void Feedback::follow(const std::string& client, const std::string& what) {
  classes_.insert(what);
  const std::uint64_t here = hash_of(what);
  std::uint64_t& last = last_[client];
  count(combine(last ^ 0x5bd1e995, here));
  last = here;
}

void adopt_counters_of_program() {
  const Section counters = section_of_program("__sancov_cntrs");
  const Section places = section_of_program("__sancov_pcs");
  if (counters.begin == counters.end || places.begin == places.end) return;
  __sanitizer_cov_8bit_counters_init(reinterpret_cast<std::uint8_t*>(counters.begin),
                                     reinterpret_cast<std::uint8_t*>(counters.end));
  __sanitizer_cov_pcs_init(reinterpret_cast<const std::uintptr_t*>(places.begin),
                           reinterpret_cast<const std::uintptr_t*>(places.end));
}

}  // namespace sockdrill
