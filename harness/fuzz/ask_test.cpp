#include "harness/fuzz/ask.h"

#include <gtest/gtest.h>

namespace sockdrill {
namespace {

const Target& mail_box() {
  static const Target target = [] {
    const std::string text = R"({"name": "mail", "dialogue": [
      {"request": "HELO {user}\n", "reply": "+hello {user}\n", "user": {"bytes": [1, 9]}},
      {"request": "READ\n", "reply": "{line}\n"}], "framing": {"lines": "\n"}})";
    const Document document = parse_document(text, "mail.json").value();
    return Target{.name = "t",
                  .model = "t",
                  .command = {"t"},
                  .speaks = read_dialogue(Node(document), Transport::tcp).value()};
  }();
  return target;
}

Scenario sending(const std::string& steps) {
  const std::string text = R"({"id": "t/x", "level": "must", "summary": "s", "steps": [
    {"client": "a", "connect": {}}, )" +
                           steps + "]}";
  return read_scenario(parse_document(text, "s.json").value(), {}).value();
}

std::string last_step_of(const Scenario& scenario) {
  return write_scenario(scenario)["steps"].back().dump();
}

bool any(const Scenario&) { return true; }

TEST(AskForRepliesTest, KnowsARequestByItsOctets) {
  const Scenario scenario = sending(
      R"({"client": "a", "send": {"join": [{"text": "HELO "}, {"text": "bob"}, {"text": "\n"}]}})");
  EXPECT_EQ(last_step_of(ask_for_replies(scenario, mail_box(), any)),
            R"({"client":"a","exchange":{"request":0,"fields":{"user":{"text":"bob"}}}})");
}

TEST(AskForRepliesTest, LeavesWhatIsNoWholeRequest) {
  for (const char* send :
       {R"({"client":"a","send":{"text":"HELO bob"}})", R"({"client":"a","send":{"text":"REA\n"}})",
        R"({"client":"a","send":{"text":"READ\nREAD\n"}})"}) {
    const Scenario scenario = sending(send);
    EXPECT_EQ(ask_for_replies(scenario, mail_box(), any), scenario) << send;
  }
}

TEST(AskForRepliesTest, AsksOnlyWhereTheSameIsShown) {
  const Scenario scenario = sending(R"({"client": "a", "send": {"text": "HELO bob\n"}},
                                       {"client": "a", "send": {"text": "READ\n"}})");
  const auto count_of = [](const Scenario& s) {
    const std::string text = write_scenario(s).dump();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("\"exchange\"", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  EXPECT_EQ(count_of(ask_for_replies(scenario, mail_box(), any)), 2U);
  const Scenario one = ask_for_replies(scenario, mail_box(), [&](const Scenario& s) {
    return count_of(s) == 1 && last_step_of(s).find("exchange") != std::string::npos;
  });
  EXPECT_EQ(count_of(one), 1U);
  EXPECT_EQ(last_step_of(one), R"({"client":"a","exchange":{"request":1}})");
  EXPECT_EQ(ask_for_replies(scenario, mail_box(), [](const Scenario&) { return false; }), scenario);
}

}  // namespace
}  // namespace sockdrill
