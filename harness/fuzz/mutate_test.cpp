#include "harness/fuzz/mutate.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "harness/fuzz/dictionary.h"
#include "harness/fuzz/draw.h"
#include "harness/plan/plan.h"

namespace sockdrill {
namespace {

Target speaking(const std::string& name, Transport transport = Transport::tcp) {
  return Target{.name = "t",
                .model = "t",
                .command = {"t"},
                .transport = transport,
                .speaks = built_in_dialogue(name, transport).value()};
}

Scenario two_clients() {
  return read_scenario(
             parse_document(R"({"id": "fuzz/input", "level": "must", "summary": "s", "steps": [
    {"client": "a", "connect": {}}, {"client": "b", "connect": {}},
    {"client": "a", "send": {"request": 0, "first": "half"}},
    {"client": "b", "exchange": {"request": 0, "cut": [1]}},
    {"client": "a", "close": {}}]})",
                            "s.json")
                 .value(),
             {})
      .value();
}

/// A sanitizer makes them last.
constexpr std::uint64_t kSeeds = SOCKDRILL_ONE_IN == 1 ? 400 : 200;
constexpr Budget kSmall{.steps = 500, .octets = 1 << 18};

TEST(MutateTest, MakesLegalScenariosOfManyKinds) {
  std::vector<Target> targets{speaking("line")};
  if (SOCKDRILL_ONE_IN == 1) {
    targets.push_back(speaking("echo", Transport::udp));
    targets.push_back(speaking("length-prefixed"));
  }
  for (const Target& target : targets) {
    Bytes form = encode(two_clients(), target, Texts::leave_out).value();
    std::set<Bytes> different;
    std::string words;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      form = mutate_form(form, target, seed, 2000, kSmall);
      ASSERT_LE(form.size(), 2000U);
      const Scenario scenario = decode(form, target, kSmall);
      const Result<Plan> plan = make_plan(scenario, target, PlanOptions{});
      ASSERT_TRUE(plan) << to_string(plan.error());
      ASSERT_EQ(encode(scenario, target, Texts::leave_out).value(), form);
      different.insert(form);
      words += write_scenario(scenario).dump();
    }
    EXPECT_GT(different.size(), kSeeds * 3 / 4);
    for (const char* word :
         {"\"faults\"", "\"schedule\"", "\"repeat\"", "\"reset\"", "\"at_most\"", "\"settled\""})
      EXPECT_NE(words.find(word), std::string::npos) << word << " " << target.speaks.name;
  }
}

/// How often the last client that spoke speaks again behind its last words.
std::size_t longest_row(const Scenario& scenario) {
  std::size_t longest = 0;
  std::size_t row = 0;
  std::string before;
  for (const Step& step : scenario.steps) {
    const auto* client = std::get_if<ClientStep>(&step.what);
    const bool asks = client != nullptr && (std::holds_alternative<Send>(client->action) ||
                                            std::holds_alternative<ExchangeStep>(client->action));
    row = !asks ? 0 : client->client == before ? row + 1 : 1;
    before = asks ? client->client : "";
    longest = std::max(longest, row);
  }
  return longest;
}

TEST(MutateTest, LetsAClientAskOneThingAfterAnother) {
  Target target = speaking("line");
  const auto conversations = [&] {
    std::size_t found = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed)
      found += longest_row(mutate(two_clients(), target, seed, kSmall)) >= 4 ? 1U : 0U;
    return found;
  };
  const std::size_t by_chance = conversations();
  target.speaks.exchanges.push_back(target.speaks.exchanges.front());
  EXPECT_GT(conversations(), by_chance + 10);
}

TEST(MutateTest, MakesTheSameOfTheSameSeed) {
  const Target target = speaking("line");
  EXPECT_EQ(mutate(two_clients(), target, 5), mutate(two_clients(), target, 5));
  EXPECT_EQ(cross_over(two_clients(), two_clients(), target, 5),
            cross_over(two_clients(), two_clients(), target, 5));
}

TEST(MutateTest, FitsWhatItMakesIntoTheRoomThereIs) {
  const Target target = speaking("line");
  const Bytes form = encode(two_clients(), target).value();
  for (std::size_t most = 0; most < 40; ++most)
    EXPECT_LE(mutate_form(form, target, most, most, kSmall).size(), most);
}

TEST(CrossOverTest, TakesStepsOfBoth) {
  const Target target = speaking("line");
  Scenario other = two_clients();
  other.steps = {other.steps[0], Step{.what = ClientStep{"a", Reset{}}}};
  bool has_both = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Scenario child = cross_over(two_clients(), other, target, seed);
    EXPECT_TRUE(make_plan(child, target, PlanOptions{}));
    const std::string text = write_scenario(child).dump();
    has_both = has_both || (text.find("\"reset\"") != std::string::npos &&
                            text.find("\"half\"") != std::string::npos);
  }
  EXPECT_TRUE(has_both);
}

TEST(SpellOutTest, RecomputesLengthsOrLies) {
  const Target target = speaking("length-prefixed");
  Draw draw(1);
  const Payload honest = spell_out(target.speaks.exchanges[0], false, draw);
  ASSERT_EQ(honest.parts.size(), 2U);
  EXPECT_EQ(honest.parts[0].kind, Payload::Kind::length_of);
  EXPECT_EQ(honest.parts[0].parts.at(0), honest.parts[1]);
  bool is_wrong = false;
  for (int i = 0; i < 5; ++i) {
    const Payload lie = spell_out(target.speaks.exchanges[0], true, draw);
    EXPECT_EQ(lie.parts[0].kind, Payload::Kind::integer);
    is_wrong = is_wrong || lie.parts[0].number != lie.parts[1].bytes.size();
  }
  EXPECT_TRUE(is_wrong);
}

TEST(DrawnRequestTest, WhatIsKeptUnderANameIsAskedForUnderThatName) {
  const Document document = parse_document(R"({"dialogue": [
    {"request": "SET {key} {value}\r\n", "reply": "OK\r\n", "key": {"bytes": [1, 64]}, "value": {}},
    {"request": "GET {key}\r\n", "reply": "{line}\r\n", "key": {"bytes": [1, 64]}}]})",
                                           "d.json")
                                .value();
  const Dialogue dialogue = read_dialogue(Node(document), Transport::tcp).value();
  Draw draw(1);
  std::map<std::string, std::set<std::uint64_t>> requests_by_key;
  for (int i = 0; i < 100; ++i) {
    const Payload request = drawn_request(dialogue, draw);
    for (const auto& [name, value] : request.fields) {
      if (name == "key") requests_by_key[value.bytes].insert(request.number);
    }
  }
  const auto shared = std::ranges::count_if(requests_by_key,
                                            [](const auto& key) { return key.second.size() == 2; });
  EXPECT_GE(shared, 2);
}

TEST(DictionaryTest, HoldsTheWordsOfADialogue) {
  const Document document = parse_document(R"({"dialogue": [
      {"request": "GET {key}\r\n", "reply": "VALUE {length key}\r\n{key}\r\n", "key": {"one_of": ["k1", "k2"]}},
      {"request": "{u16be length key}{key}", "reply": "{any}", "key": {"without": "\""}}]})",
                                           "d.json")
                                .value();
  const std::string text =
      write_dictionary(dictionary_of(read_dialogue(Node(document), Transport::tcp).value()));
  for (const char* line : {"\"GET\"\n", "\"GET \"\n", "\"VALUE\"\n", "\"\\x0D\\x0A\"\n", "\"k1\"\n",
                           "\"\\xFF\\xFF\"\n", "\"\\\"\"\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
}

}  // namespace
}  // namespace sockdrill
