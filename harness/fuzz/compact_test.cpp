#include "harness/fuzz/compact.h"

#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "harness/fuzz/steps_form.h"
#include "harness/plan/plan.h"
#include "harness/scenario/bounds.h"
#include "harness/scenario/whole_language.h"

namespace sockdrill {
namespace {

Target target_for(const std::string& name, Transport transport) {
  return Target{.name = "t",
                .model = "t",
                .command = {"t"},
                .transport = transport,
                .speaks = built_in_dialogue(name, transport).value()};
}

std::vector<Target> all_kinds_of_target() {
  std::vector<Target> targets;
  for (const Transport transport : {Transport::tcp, Transport::udp, Transport::unix_stream,
                                    Transport::unix_dgram, Transport::unix_seqpacket}) {
    for (const std::string& name : built_in_dialogue_names()) {
      targets.push_back(target_for(name, transport));
      targets.back().declares.broadcasts = true;
      targets.push_back(targets.back());
      targets.back().family = Family::ipv6;
    }
  }
  return targets;
}

Scenario scenario_of(const std::string& steps) {
  const std::string text =
      R"({"id": "t/x", "level": "must", "summary": "s", "steps": [)" + steps + "]}";
  return read_scenario(parse_document(text, "s.json").value(), {}).value();
}

Scenario through_json(const Scenario& scenario) {
  const std::string text = write_scenario(scenario).dump();
  return read_scenario(parse_document(text, "written").value(), {}).value();
}

/// Every case of every published scenario.
std::vector<Scenario> published_cases() {
  std::vector<Scenario> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SOCKDRILL_SCENARIOS)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == "schema.json") continue;
    const Check check = read_check(read_document(entry.path().string()).value()).value();
    for (const Bindings& bindings : check.cases)
      cases.push_back(read_scenario(check.document, bindings).value());
  }
  return cases;
}

bool runs_a_program(const Scenario& scenario) {
  return write_scenario(scenario).dump().find("\"run\":") != std::string::npos;
}

// Under a sanitizer, which takes a hundred times as long, one pair in so many.
constexpr std::size_t kOneIn = SOCKDRILL_ONE_IN;

TEST(CompactFormTest, KeepsEveryPublishedScenarioForEveryTargetItIsFor) {
  std::size_t kept = 0;
  std::size_t pairs = 0;
  const std::vector<Target> targets = all_kinds_of_target();
  for (const Scenario& scenario : published_cases()) {
    if (runs_a_program(scenario)) continue;
    for (const Target& target : targets) {
      if (why_not(scenario, target) || ++pairs % kOneIn != 0) continue;
      const Result<Plan> plan = make_plan(scenario, target, PlanOptions{});
      ASSERT_TRUE(plan) << to_string(plan.error());
      if (plan->cases.empty()) continue;  // Beyond the target's bounds.
      const Result<Bytes> octets = encode(scenario, target);
      ASSERT_TRUE(octets) << scenario.id << ": " << octets.error().message;
      const Scenario decoded = decode(*octets, target);
      ASSERT_EQ(write_scenario(decoded).dump(1), write_scenario(scenario).dump(1));
      ASSERT_EQ(decoded, scenario);
      ++kept;
    }
  }
  EXPECT_GT(kept, 1000U / kOneIn);
}

TEST(CompactFormTest, KeepsEveryPublishedScenarioWithoutItsTexts) {
  const Target target = target_for("echo", Transport::tcp);
  for (const Scenario& scenario : published_cases()) {
    if (runs_a_program(scenario) || why_not(scenario, target)) continue;
    const Bytes octets = encode(scenario, target, Texts::leave_out).value();
    EXPECT_EQ(decode(octets, target), without_texts(scenario)) << scenario.id;
    EXPECT_LT(octets.size(), 1500U) << scenario.id;
  }
}

TEST(CompactFormTest, RefusesProgramsAndFiles) {
  const Target target = target_for("echo", Transport::tcp);
  const auto refusal = [&](const std::string& steps) {
    const Result<Bytes> octets = encode(scenario_of(steps), target);
    return octets ? "" : octets.error().message;
  };
  EXPECT_NE(refusal(R"({"client": "a", "run": {"command": "true"}})").find("runs a program"),
            std::string::npos);
  EXPECT_NE(
      refusal(R"({"clients": 2, "each": [{"run": {"command": "true"}}]})").find("runs a program"),
      std::string::npos);
  EXPECT_NE(refusal(R"({"client": "a", "send": {"file": "f"}})").find("reads a file"),
            std::string::npos);
}

/// Steps through octets and back, with nothing repaired.
std::vector<Step> through_octets(std::vector<Step> steps, const Target& target) {
  FormTexts texts;
  FormContext writing{.target = target, .texts = texts};
  Codec writer = Codec::writer();
  pass_steps(writer, steps, writing);
  EXPECT_EQ(writer.refusal(), "");
  FormContext reading{.target = target, .texts = texts};
  Codec reader = Codec::reader(writer.written());
  std::vector<Step> read;
  pass_steps(reader, read, reading);
  return read;
}

TEST(CompactFormTest, HasEveryWordOfTheLanguageButProgramsAndFiles) {
  Json json = Json::parse(kWholeLanguage);
  json["steps"].erase(std::remove_if(json["steps"].begin(), json["steps"].end(),
                                     [](const Json& step) { return step.contains("run"); }),
                      json["steps"].end());
  for (Json& step : json["steps"]) {
    if (!step.contains("send") || !step["send"].is_object() || !step["send"].contains("join"))
      continue;
    Json& parts = step["send"]["join"];
    parts.erase(
        std::remove_if(parts.begin(), parts.end(),
                       [](const Json& part) { return part.is_object() && part.contains("file"); }),
        parts.end());
  }
  const Scenario whole = read_scenario(parse_document(json.dump(), "s").value(), {}).value();
  EXPECT_EQ(through_octets(whole.steps, target_for("echo", Transport::tcp)), whole.steps);
}

TEST(CompactFormTest, KeepsFaultsAndScheduleApartFromTheSteps) {
  const Target target = target_for("echo", Transport::tcp);
  Scenario scenario = scenario_of(R"({"client": "a", "connect": {}})");
  const std::string plain = encode(scenario, target).value();
  for (const Fault::Call call : all_fault_calls()) {
    for (const std::string& error : errors_of(call))
      scenario.faults.push_back(Fault{.call = call, .nth = 300, .error = error});
  }
  scenario.faults.push_back(
      {.call = Fault::Call::send, .effect = Fault::Effect::falls_short, .octets = 1000});
  scenario.faults.push_back({.call = Fault::Call::wait, .effect = Fault::Effect::spurious});
  scenario.schedule = {.seed = kLargestSeed, .choices = {1, 0, 255}};
  const std::string octets = encode(scenario, target).value();
  EXPECT_EQ(decode(octets, target), scenario);
  EXPECT_EQ(through_json(scenario), scenario);
  EXPECT_TRUE(octets.ends_with(plain.substr(4)));  // After the version and two empty sections.
}

TEST(CompactFormTest, TellsOtherFilesFromItsOwn) {
  EXPECT_TRUE(check_version("\x03"));
  EXPECT_NE(check_version("").error().message.find("empty"), std::string::npos);
  EXPECT_NE(check_version("{}").error().message.find("JSON"), std::string::npos);
  EXPECT_NE(check_version("\x01").error().message.find("version 3"), std::string::npos);
}

/// As `sockdrill run` takes it up: by the published schema, too.
Result<Check> read_as_a_file(Scenario scenario) {
  scenario.id = "found/it";
  scenario.summary = "s";
  return read_check(parse_document(write_scenario_file(scenario), "s.json").value());
}

class AnyOctetsTest : public testing::TestWithParam<Target> {};

TEST_P(AnyOctetsTest, AreAScenarioThatCanBePlayed) {
  const Target& target = GetParam();
  const Budget budget{.steps = 500, .octets = 1 << 16};
  std::mt19937_64 random(7);
  std::size_t steps = 0;
  for (int i = 0; i < 300 / static_cast<int>(kOneIn); ++i) {
    Bytes octets(random() % 120, '\0');
    for (char& octet : octets) octet = static_cast<char>(random() % (i % 2 == 0 ? 256 : 24));
    if (octets.size() > 3 && i % 3 != 0) octets[1] = octets[2] = octets[3] = '\0';
    const Scenario scenario = decode(octets, target, budget);
    steps += scenario.steps.size();
    ASSERT_EQ(through_json(scenario), scenario);
    const Result<Plan> plan = make_plan(scenario, target, PlanOptions{});
    ASSERT_TRUE(plan) << to_string(plan.error()) << write_scenario(scenario).dump(1);
    ASSERT_EQ(plan->cases.size(), 1U) << plan->left_out << write_scenario(scenario).dump(1);
    const Result<Bytes> again = encode(scenario, target);
    ASSERT_TRUE(again) << again.error().message << write_scenario(scenario).dump(1);
    ASSERT_EQ(decode(*again, target, budget), scenario) << write_scenario(scenario).dump(1);
    if (i % 4 != 0) continue;  // slower by far
    const Result<Check> check = read_as_a_file(scenario);
    ASSERT_TRUE(check) << to_string(check.error()) << write_scenario(scenario).dump(1);
  }
  EXPECT_GT(steps, 600U / kOneIn);  // Two a scenario: what is repaired is not just thrown away.
}

INSTANTIATE_TEST_SUITE_P(Targets, AnyOctetsTest, testing::ValuesIn(all_kinds_of_target()),
                         [](const auto& kind) {
                           std::string name = kind.param.speaks.name + "_over_" +
                                              to_string(kind.param.transport) + "_" +
                                              to_string(kind.param.family);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sockdrill
