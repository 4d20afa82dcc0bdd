#include "harness/scenario/faults.h"

#include <gtest/gtest.h>

#include "harness/scenario/scenario.h"

namespace sockdrill {
namespace {

std::string fault_error_of(const std::string& fault) {
  const Document document = parse_document("[" + fault + "]", "s.json").value();
  const Result<std::vector<Fault>> faults = read_faults(Node(document));
  return faults ? "" : faults.error().message;
}

TEST(FaultsTest, SayOnlyWhatARealKernelMayDo) {
  EXPECT_EQ(fault_error_of(R"({"call": "receive", "nth": 1, "fails": "ECONNRESET"})"), "");
  EXPECT_NE(fault_error_of(R"({"call": "receive", "nth": 1, "fails": "EMFILE"})"), "");
  EXPECT_NE(fault_error_of(R"({"call": "accept", "nth": 1, "at_most": 1})"), "");
  EXPECT_NE(fault_error_of(R"({"call": "send", "nth": 1, "at_most": 0})"), "");
  EXPECT_NE(fault_error_of(R"({"call": "send", "nth": 1, "spurious": true})"), "");
  EXPECT_NE(fault_error_of(R"({"call": "send", "nth": 0, "at_most": 1})"), "");
  EXPECT_NE(fault_error_of(R"({"call": "send", "nth": 1, "at_most": 1, "fails": "EPIPE"})"), "");
}

TEST(FaultsTest, NameErrorsThatExist) {
  for (const Fault::Call call : all_fault_calls()) {
    EXPECT_FALSE(errors_of(call).empty()) << to_string(call);
    for (const std::string& error : errors_of(call)) EXPECT_NE(errno_named(error).value, 0);
  }
}

TEST(FaultsTest, AreWrittenAsTheyAreRead) {
  const std::vector<Fault> faults{
      {.call = Fault::Call::send, .nth = 3, .effect = Fault::Effect::falls_short, .octets = 2},
      {.call = Fault::Call::wait, .nth = 1, .effect = Fault::Effect::spurious},
      {.call = Fault::Call::fork, .nth = 1, .error = "ENOMEM"}};
  const Document document = parse_document(write_faults(faults).dump(), "s.json").value();
  EXPECT_EQ(read_faults(Node(document)).value(), faults);
}

TEST(FaultsTest, OfAStepNeedTheSimulatedKernelToo) {
  const auto needs = [](const std::string& step) {
    const std::string text =
        R"({"id": "a/b", "level": "must", "summary": "s", "steps": [)" + step + "]}";
    return read_scenario(parse_document(text, "s.json").value(), {})
        .value()
        .needs_simulated_kernel();
  };
  EXPECT_FALSE(needs(R"({"server": "settled"})"));
  EXPECT_TRUE(needs(R"({"repeat": 2, "steps": [{"server": {"from_here": {}}}]})"));
}

}  // namespace
}  // namespace sockdrill
