// A finding that needs the inputs before it is shown again by all of them as one scenario (join()):
// so the server must be asked the same by it, call by call, as by one input after the other.

#include <vector>

#include "harness/fuzz/join.h"
#include "harness/fuzz/mutate.h"
#include "harness/simulated/quick_player_test.h"

namespace sockdrill {
namespace {

constexpr Budget kShort{.steps = 60, .octets = 1 << 16};

class QuickPlayerHistoryTest : public QuickPlayerTest {
 protected:
  std::vector<std::string> calls;

  void listen_to_calls() {
    simulation.on_call = [this](const sim::Task& /*task*/, const sim::CallSeen& call) {
      calls.push_back(std::string(call.name) + "(" + std::to_string(call.descriptor) + ", " +
                      std::to_string(call.octets) + ")");
    };
    simulation.on_answer = [this](const sim::Task& /*task*/, long answer) {
      calls.push_back("= " + std::to_string(answer));
    };
  }

  /// The calls that a new server makes.
  std::vector<std::string> calls_of(const std::function<void()>& server,
                                    const std::vector<Scenario>& inputs) {
    player.reset();
    start(server);
    calls.clear();
    for (const Scenario& input : inputs) {
      const Result<Plan> plan = make_plan(input, target, PlanOptions{});
      EXPECT_TRUE(plan) << to_string(plan.error());
      if (!plan) break;
      const std::optional<Suspicion> suspicion = player->play(*plan);
      EXPECT_FALSE(suspicion) << suspicion->rule << ": " << suspicion->what << "\n"
                              << write_scenario(input).dump();
    }
    return calls;
  }

  void expect_the_same(const std::function<void()>& server, const std::vector<Scenario>& inputs) {
    listen_to_calls();
    const std::vector<std::string> apart = calls_of(server, inputs);
    const std::vector<std::string> joined = calls_of(server, {join(inputs, target.transport)});
    const auto [one, other] = std::ranges::mismatch(apart, joined);
    EXPECT_TRUE(one == apart.end() && other == joined.end())
        << "call " << one - apart.begin() << " of " << apart.size() << " and " << joined.size()
        << ": " << (one == apart.end() ? "no more" : *one) << " | "
        << (other == joined.end() ? "no more" : *other);
  }
};

std::vector<Scenario> drawn_inputs(const Target& target, std::size_t count) {
  const Document document =
      parse_document(R"({"id": "a/b", "level": "must", "summary": "s", "steps": [
      {"client": "a", "connect": {}}, {"client": "b", "connect": {}},
      {"clients": 3, "named": "c", "each": [{"connect": {}}, {"exchange": {"text": "x"}}]},
      {"client": "a", "exchange": {"text": "hello"}}, {"client": "b", "shutdown": "read"},
      {"client": "b", "send": "never read"}]})",
                     "steps.json")
          .value();
  std::vector<Scenario> inputs{read_scenario(document, {}).value()};
  while (inputs.size() < count)
    inputs.push_back(mutate(inputs[inputs.size() / 2], target, inputs.size(), kShort));
  return inputs;
}

/// One client after the other.
void serve_in_turn() {
  const int listener = open_listener();
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    echo(fd);
    ::close(fd);
  }
}

TEST_F(QuickPlayerHistoryTest, JoinedInputsAskTheSameOfAServerThatServesOneAfterTheOther) {
  expect_the_same(serve_in_turn, drawn_inputs(target, 300));
}

TEST_F(QuickPlayerHistoryTest, JoinedInputsAskTheSameOfAServerThatServesAllAtOnce) {
  expect_the_same([] { serve_each(echo); }, drawn_inputs(target, 300));
}

TEST_F(QuickPlayerHistoryTest, JoinedInputsAskTheSameOfAServerOfDatagrams) {
  target.transport = Transport::udp;
  target.speaks = built_in_dialogue("echo", Transport::udp).value();
  const auto serve = [] {
    answer_datagrams(open_socket(SOCK_DGRAM), [](const std::string& octets) { return octets; });
  };
  expect_the_same(serve, drawn_inputs(target, 300));
}

}  // namespace
}  // namespace sockdrill
