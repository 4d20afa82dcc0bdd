// Any octets as a scenario in its compact form: it is legal JSON of the language, it can be planned
// for the target, and encoding and decoding it again changes nothing.
//
// The first octet chooses the target; the rest is the form. The mutators are those of
// harness/fuzz/mutate.h, so that they are tried, too.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/check.h"
#include "harness/fuzz/mutate.h"
#include "harness/plan/plan.h"

namespace sockdrill {
namespace {

constexpr Budget kBudget{.steps = 300, .octets = 1 << 16};

/// Every built-in dialogue over every transport, and one with all kinds of parts.
const std::vector<Target>& form_targets() {
  static const std::vector<Target> targets = [] {
    std::vector<Target> all;
    const Document rich = parse_document(R"({"dialogue": [
          {"request": "GET {key}\r\n", "reply": "{digits} {line}\r\n", "key": {"one_of": ["a", "bb"]}},
          {"request": "PUT {length text} {text}\n", "reply": "ok {any}\n", "text": {"bytes": [0, 300], "octets": "all"}},
          {"request": "{u16le length text}{text}", "reply": "{hex 00}", "then": "fin", "text": {"bytes": [2, 9]}}]})",
                                         "rich.json")
                              .value();
    for (int i = 0; i < 5; ++i) {
      const auto transport = static_cast<Transport>(i);
      for (const std::string& name : built_in_dialogue_names())
        all.push_back(
            {.transport = transport, .speaks = built_in_dialogue(name, transport).value()});
      all.push_back(
          {.transport = transport, .speaks = read_dialogue(Node(rich), transport).value()});
      all.back().declares.max_message = 100;
    }
    return all;
  }();
  return targets;
}

const Target& target_of(std::string_view input) {
  return form_targets()[static_cast<unsigned char>(input[0]) % form_targets().size()];
}

std::string_view input_of(const std::uint8_t* data, std::size_t size) {
  // LibFuzzer's octets are characters to us.
  return {static_cast<const char*>(static_cast<const void*>(data)), size};
}

std::size_t give_back(std::uint8_t* out, char target, const Bytes& form) {
  out[0] = static_cast<std::uint8_t>(target);
  std::memcpy(out + 1, form.data(), form.size());
  return form.size() + 1;
}

}  // namespace
}  // namespace sockdrill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  if (size == 0) return 0;
  const std::string_view input = input_of(data, size);
  const Target& target = target_of(input);
  const Scenario scenario = decode(input.substr(1), target, kBudget);
  const Result<Document> document = parse_document(write_scenario(scenario).dump(), "form.json");
  SOCKDRILL_CHECK(document.has_value(), "a decoded scenario is not JSON");
  const Result<Scenario> reread = read_scenario(*document, {});
  SOCKDRILL_CHECK(reread.has_value() && *reread == scenario, "JSON changed a decoded scenario");
  const Result<Plan> plan = make_plan(scenario, target, PlanOptions{});
  SOCKDRILL_CHECK(plan.has_value(), "a decoded scenario cannot be planned");
  SOCKDRILL_CHECK(plan->cases.size() == 1, "a decoded scenario is beyond the target's bounds");
  const Result<Bytes> again = encode(scenario, target);
  SOCKDRILL_CHECK(again.has_value(), "a decoded scenario cannot be encoded");
  SOCKDRILL_CHECK(decode(*again, target, kBudget) == scenario, "encoding changed a scenario");
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed);
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed) {
  using namespace sockdrill;
  // Octets that no mutator of ours would make are what decoding must bear: every third time.
  if (size == 0 || seed % 3 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string_view input = input_of(data, size);
  const char target = seed % 7 == 0 ? static_cast<char>(seed / 7) : input[0];
  return give_back(data, target,
                   mutate_form(input.substr(1), target_of({&target, 1}), seed, most - 1, kBudget));
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t most,
                                                 unsigned seed);
std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                      const std::uint8_t* other, std::size_t other_size,
                                      std::uint8_t* out, std::size_t most, unsigned seed) {
  using namespace sockdrill;
  if (one_size == 0 || other_size == 0 || most == 0) return 0;
  const std::string_view first = input_of(one, one_size);
  return give_back(out, first[0],
                   cross_over_forms(first.substr(1), input_of(other, other_size).substr(1),
                                    target_of(first), seed, most - 1, kBudget));
}
