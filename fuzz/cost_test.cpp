// What readers and handlers do with a pathological input grows as the input does, not faster.
//
// It is counted, not timed: how often the code under test compares two numbers, which this build
// tells whoever asks (clang's SanitizerCoverage, trace-cmp). Every loop of ours does.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "harness/recording/recording.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"
#include "targets/protocols/registry.h"
#include "targets/protocols/session.h"

namespace {

std::uint64_t comparisons = 0;

}  // namespace

extern "C" {
void __sanitizer_cov_trace_cmp1(std::uint8_t, std::uint8_t) { ++comparisons; }
void __sanitizer_cov_trace_cmp2(std::uint16_t, std::uint16_t) { ++comparisons; }
void __sanitizer_cov_trace_cmp4(std::uint32_t, std::uint32_t) { ++comparisons; }
void __sanitizer_cov_trace_cmp8(std::uint64_t, std::uint64_t) { ++comparisons; }
void __sanitizer_cov_trace_const_cmp1(std::uint8_t, std::uint8_t) { ++comparisons; }
void __sanitizer_cov_trace_const_cmp2(std::uint16_t, std::uint16_t) { ++comparisons; }
void __sanitizer_cov_trace_const_cmp4(std::uint32_t, std::uint32_t) { ++comparisons; }
void __sanitizer_cov_trace_const_cmp8(std::uint64_t, std::uint64_t) { ++comparisons; }
}

namespace sockdrill {
namespace {

/// `count` parts that differ, one behind the other.
std::string parts(std::size_t count, const std::function<std::string(std::size_t)>& part,
                  const std::string& between = ",") {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "" : between) + part(i);
  return all;
}

std::string times(std::size_t count, const std::string& text) {
  return parts(
      count, [&](std::size_t) { return text; }, "");
}

struct Pathology {
  const char* name;
  std::function<std::string(std::size_t count)> input;
};

void PrintTo(const Pathology& pathology, std::ostream* out) { *out << pathology.name; }

class CostTest : public ::testing::TestWithParam<Pathology> {
 protected:
  void expect_linear(const std::function<void(const std::string&)>& read) {
    const auto cost = [&](std::size_t count) {
      const std::string input = GetParam().input(count);
      comparisons = 0;
      read(input);
      return comparisons;
    };
    const std::uint64_t small = cost(1000);
    const std::uint64_t large = cost(4000);
    EXPECT_GT(small, 0U) << "nothing is counted: is this built as the fuzz targets are?";
    EXPECT_LT(large, 5 * small) << small << " comparisons, and for four times as much " << large;
  }
  void expect_linear_reading(const std::function<void(const Document&)>& read) {
    expect_linear([&](const std::string& text) {
      if (const Result<Document> document = parse_document(text, "costs.json"); document)
        read(*document);
    });
  }
};

const auto kName = [](const auto& info) { return std::string(info.param.name); };

std::string scenario_of(const std::string& steps, const std::string& more = "") {
  return R"({"id": "a/b", "level": "must", "summary": "s", "steps": [)" + steps + "]" + more + "}";
}

std::string sending(const std::string& payload) {
  return scenario_of(R"({"client": "a", "connect": {}}, {"client": "a", "send": )" + payload + "}");
}

class ScenarioCostTest : public CostTest {};
INSTANTIATE_TEST_SUITE_P(
    Inputs, ScenarioCostTest,
    ::testing::Values(
        Pathology{"Steps",
                  [](auto n) {
                    return scenario_of(parts(n, [](auto i) {
                      return fmt::format(R"({{"client": "c{}", "connect": {{}}}})", i);
                    }));
                  }},
        Pathology{"RepeatsInRepeats",
                  [](auto n) {
                    return scenario_of(times(n, R"({"repeat": 2, "steps": [)") +
                                       R"({"server": "settled"})" + times(n, "]}"));
                  }},
        Pathology{"Arrays", [](auto n) { return times(n, "[") + times(n, "]"); }},
        Pathology{"ArraysThatNeverEnd", [](auto n) { return times(n, "["); }},
        Pathology{"UnknownKeys",
                  [](auto n) {
                    return "{" + parts(n, [](auto i) { return fmt::format("\"k{}\": 1", i); }) +
                           "}";
                  }},
        Pathology{"TheSameKey", [](auto n) { return "{" + times(n, "\"id\": 1, ") + "\"x\": 1}"; }},
        Pathology{"LinesBeforeAMistake", [](auto n) { return "{" + times(n, "\n") + "\"id\": }"; }},
        Pathology{"LinesBeforeAWrongValue",
                  [](auto n) { return "{" + times(n, "\n") + "\"id\": 7}"; }},
        Pathology{
            "WrongStepsOnLines",
            [](auto n) { return scenario_of(parts(n, [](auto) { return "\n{\"clint\": 7}"; })); }},
        Pathology{
            "LongText",
            [](auto n) { return sending("\"" + times(n, "\\u00e9\\n \\ud83d\\ude00") + "\""); }},
        Pathology{"Parts",
                  [](auto n) {
                    return sending(R"({"join": [)" + parts(n, [](auto) { return "\"x\""; }) + "]}");
                  }},
        Pathology{"PayloadsInPayloads",
                  [](auto n) {
                    return sending(times(n, R"({"times": 1, "repeat": )") + "\"x\"" +
                                   times(n, "}"));
                  }},
        Pathology{"Cuts",
                  [](auto n) {
                    return scenario_of(
                        R"({"client": "a", "connect": {}}, {"client": "a", "send": "x", "cut": [)" +
                        parts(n, [](auto i) { return std::to_string(i + 1); }) + "]}");
                  }},
        Pathology{
            "Outcomes",
            [](auto n) {
              return scenario_of(
                  R"({"client": "a", "connect": {}}, {"client": "a", "expect": {"one_of": [)" +
                  parts(n, [](auto) { return R"({"bytes": "x", "then": "fin"})"; }) + "]}}");
            }},
        Pathology{"Parameters",
                  [](auto n) {
                    return scenario_of(R"({"server": "settled"})",
                                       R"(, "parameters": {)" + parts(n, [](auto i) {
                                         return fmt::format(R"("p{}": [1])", i);
                                       }) + "}");
                  }},
        Pathology{"ValuesOfAParameter",
                  [](auto n) {
                    return scenario_of(
                        R"({"client": "a", "connect": {}}, {"client": "a", "send": "$p"})",
                        R"(, "parameters": {"p": [)" +
                            parts(n, [](auto i) { return fmt::format("\"v{}\"", i); }) + "]}");
                  }},
        Pathology{"Faults",
                  [](auto n) {
                    return scenario_of(
                        R"({"server": "settled"})",
                        R"(, "faults": [)" + parts(n, [](auto i) {
                          return fmt::format(
                              R"({{"call": "accept", "nth": {}, "fails": "EMFILE"}})", i + 1);
                        }) + "]");
                  }}),
    kName);
TEST_P(ScenarioCostTest, GrowsWithTheInput) {
  expect_linear_reading(
      [](const Document& document) { static_cast<void>(read_scenario(document, {})); });
}

std::string target_of(const std::string& words, const std::string& more = "") {
  return R"({"name": "t", "command": ["t")" + words +
         R"(], "listens": {"transport": "tcp"}, "speaks": "echo")" + more + "}";
}

class ManifestCostTest : public CostTest {};
INSTANTIATE_TEST_SUITE_P(
    Inputs, ManifestCostTest,
    ::testing::Values(
        Pathology{"Words", [](auto n) { return target_of(times(n, ", \"{port}\"")); }},
        Pathology{"PlaceholdersInAWord",
                  [](auto n) { return target_of(", \"" + times(n, "{port}{path}") + "\""); }},
        Pathology{"Variants",
                  [](auto n) {
                    return target_of("", R"(, "variants": [)" + parts(n, [](auto) {
                                           return R"({"speaks": "line"})";
                                         }) + "]");
                  }},
        Pathology{"UnknownKeys", [](auto n) { return target_of("", times(n, R"(, "nmae": 1)")); }}),
    kName);
TEST_P(ManifestCostTest, GrowsWithTheInput) {
  expect_linear_reading(
      [](const Document& document) { static_cast<void>(read_targets(document)); });
}

std::string dialogue_of(const std::string& exchanges) {
  return R"({"name": "d", "dialogue": [)" + exchanges + "]}";
}

class DialogueCostTest : public CostTest {};
INSTANTIATE_TEST_SUITE_P(
    Inputs, DialogueCostTest,
    ::testing::Values(
        Pathology{"Exchanges",
                  [](auto n) {
                    return dialogue_of(parts(n, [](auto i) {
                      return fmt::format(
                          R"({{"request": "r{} {{f}}\n", "reply": "{{f}}\n", "f": {{}}}})", i);
                    }));
                  }},
        Pathology{"Fields",
                  [](auto n) {
                    return dialogue_of(
                        R"({"request": ")" +
                        parts(
                            n, [](auto i) { return fmt::format("{{f{}}}", i); }, " ") +
                        R"(", "reply": "x")" +
                        parts(
                            n, [](auto i) { return fmt::format(R"(, "f{}": {{}})", i); }, "") +
                        "}");
                  }},
        Pathology{"Choices",
                  [](auto n) {
                    return dialogue_of(R"({"request": "{f}", "reply": "{f}", "f": {"one_of": [)" +
                                       parts(n, [](auto i) { return fmt::format("\"v{}\"", i); }) +
                                       "]}}");
                  }},
        Pathology{"LongRequest",
                  [](auto n) {
                    return dialogue_of(R"({"request": ")" + times(n, "abc\\n") +
                                       R"(", "reply": "x"})");
                  }},
        Pathology{"BracesThatNeverClose",
                  [](auto n) {
                    return dialogue_of(R"({"request": ")" + times(n, "{") + R"(", "reply": "x"})");
                  }}),
    kName);
TEST_P(DialogueCostTest, GrowsWithTheInput) {
  expect_linear_reading([](const Document& document) {
    static_cast<void>(read_dialogue(Node(document), Transport::tcp));
  });
}

const std::string kHead =
    R"({"sockdrill_recording":1,"version":"0.1.0","scenario_file":"s.json","seed":1,"isolated":true,"cases":[{}],"target_file":"","model":"t","target":)" +
    target_of("") + R"(,"scenario":)" + scenario_of(R"({"server": "settled"})") + "}\n";
const std::string kEvent =
    R"({"at_ns":1,"lane":"server","who":"server","kind":"started","text":"t","number":1})"
    "\n";

class RecordingCostTest : public CostTest {};
INSTANTIATE_TEST_SUITE_P(
    Inputs, RecordingCostTest,
    ::testing::Values(
        Pathology{"Events", [](auto n) { return kHead + times(n, kEvent); }},
        Pathology{"EventsOfNoKind", [](auto n) { return kHead + times(n, "{\"kind\": \"x\"}\n"); }},
        Pathology{"KeysOfAnEvent",
                  [](auto n) {
                    return kHead + "{" +
                           parts(n, [](auto i) { return fmt::format("\"k{}\": 1", i); }) + "}\n";
                  }},
        Pathology{"EmptyLines", [](auto n) { return kHead + times(n, "\n\n\n"); }},
        Pathology{"ALongEvent",
                  [](auto n) {
                    return kHead + R"({"at_ns":1,"lane":"server","who":")" + times(n, "server") +
                           "\"}\n";
                  }}),
    kName);
TEST_P(RecordingCostTest, GrowsWithTheInput) {
  expect_linear(
      [](const std::string& text) { static_cast<void>(read_recording(text, "costs.jsonl")); });
}

class HandlerCostTest : public CostTest {};
INSTANTIATE_TEST_SUITE_P(
    Inputs, HandlerCostTest,
    ::testing::Values(Pathology{"NoNewline", [](auto n) { return times(n, "aaaa"); }},
                      Pathology{"NothingButNewlines", [](auto n) { return times(n, "\n\n\n\n"); }},
                      Pathology{"CarriageReturns", [](auto n) { return times(n, "\r\r\r\n"); }},
                      Pathology{"Zeros", [](auto n) { return times(n, std::string(4, '\0')); }}),
    kName);
/// Octet by octet, and as much at a time as there is room for.
TEST_P(HandlerCostTest, GrowsWithTheInput) {
  using namespace protocols;
  for (const Protocol protocol :
       {Protocol::echo, Protocol::discard, Protocol::line, Protocol::length_prefixed}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1} << 16U}) {
      SCOPED_TRACE(piece);
      expect_linear([&](const std::string& input) {
        Session session(make_stream_handler(protocol, 0));
        for (std::size_t at = 0; at < input.size() && !session.is_finished();) {
          const std::span<char> room = session.input_room();
          const std::size_t size = std::min({room.size(), piece, input.size() - at});
          input.copy(room.data(), size, at);
          session.add_input(size);
          at += size;
          session.drop_output(session.output().size());
        }
      });
    }
  }
}

}  // namespace
}  // namespace sockdrill
