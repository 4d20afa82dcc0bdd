// Changes of steps, cuts, faults and schedule.

#include <algorithm>

#include "harness/fuzz/draw.h"
#include "harness/fuzz/mutate.h"
#include "harness/fuzz/steps.h"
#include "harness/scenario/bounds.h"

namespace sockdrill {

namespace {

using Steps = std::vector<Step>;

std::ptrdiff_t place_in(const Steps& steps, Draw& draw) {
  return static_cast<std::ptrdiff_t>(draw.below(steps.size()));
}

Payload drawn_payload(const Target& target, Draw& draw) {
  static const std::vector<std::uint64_t> sizes{0,    1,    2,    63,   64,    511,   512,
                                                1023, 1024, 4096, 8192, 16384, 16385, 65536};
  if (!target.speaks.exchanges.empty() && draw.one_in(3))
    return spell_out(draw.of(target.speaks.exchanges), draw.one_in(2), draw);
  if (draw.one_in(3))
    return {.kind = Payload::Kind::pattern, .name = "own", .number = draw.of(sizes)};
  return drawn_request(target.speaks, draw);
}

Connect drawn_connect(Draw& draw) {
  Connect connect;
  if (draw.one_in(4)) connect.receive_buffer = static_cast<std::uint32_t>(draw.between(1, 8192));
  if (draw.one_in(6)) connect.send_buffer = static_cast<std::uint32_t>(draw.between(1, 8192));
  return connect;
}

ClientAction drawn_action(const Target& target, Draw& draw) {
  static const std::vector<Shutdown::How> hows{Shutdown::How::write, Shutdown::How::read,
                                               Shutdown::How::both};
  switch (draw.below(10)) {
    case 0:
    case 1:
      return drawn_connect(draw);
    case 2:
    case 3:
      return Send{.payload = drawn_payload(target, draw)};
    case 4:
      return Send{
          .payload = drawn_payload(target, draw), .until_blocked = true, .reads_meanwhile = false};
    case 5:
    case 6:
      return ExchangeStep{.payload = drawn_request(target.speaks, draw)};
    case 7:
      return Shutdown{.how = draw.of(hows)};
    case 8:
      return Close{.at_once = draw.one_in(2)};
    default:
      return Reset{};
  }
}

/// One that is there, most of the time.
std::string drawn_client(const Steps& steps, Draw& draw) {
  std::vector<std::string> names;
  for (const Step& step : steps) {
    if (const auto* client = std::get_if<ClientStep>(&step.what)) names.push_back(client->client);
  }
  return names.empty() || draw.one_in(4) ? client_name(static_cast<std::size_t>(draw.below(6)))
                                         : draw.of(names);
}

Step drawn_step(const Steps& steps, const Target& target, Draw& draw) {
  if (draw.one_in(5)) return {.what = ServerStep{Settled{}}};
  if (draw.one_in(12)) return {.what = ServerStep{Stop{}}};
  if (draw.one_in(12)) return {.what = ServerStep{Continue{}}};
  return {.what = ClientStep{drawn_client(steps, draw), drawn_action(target, draw)}};
}

bool speaks(const ClientAction& action) {
  return std::holds_alternative<Connect>(action) || std::holds_alternative<Open>(action) ||
         std::holds_alternative<Send>(action) || std::holds_alternative<ExchangeStep>(action) ||
         std::holds_alternative<Expect>(action);
}

/// Behind what a client has said last it asks for more: what a server keeps of a conversation is
/// reached by requests in a row, which steps for anybody anywhere rarely are.
void go_on_talking(Steps& steps, const Target& target, Draw& draw) {
  const std::string name = drawn_client(steps, draw);
  std::ptrdiff_t at = -1;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto* client = std::get_if<ClientStep>(&steps[i].what);
    if (client != nullptr && client->client == name && speaks(client->action))
      at = static_cast<std::ptrdiff_t>(i) + 1;
  }
  Steps more;
  if (at < 0) {
    at = static_cast<std::ptrdiff_t>(steps.size());
    more.push_back({.what = ClientStep{name, Connect{}}});
  }
  for (std::uint64_t i = draw.between(1, 3); i > 0; --i) {
    const ClientAction action =
        draw.one_in(2) ? ClientAction{ExchangeStep{.payload = drawn_request(target.speaks, draw)}}
                       : ClientAction{Send{
                             .payload = spell_out(draw.of(target.speaks.exchanges), false, draw)}};
    more.push_back({.what = ClientStep{name, action}});
  }
  steps.insert(steps.begin() + at, more.begin(), more.end());
}

void remove_some(Steps& steps, Draw& draw) {
  const std::ptrdiff_t from = place_in(steps, draw);
  const auto left = static_cast<std::uint64_t>(steps.end() - steps.begin() - from);
  const auto count =
      static_cast<std::ptrdiff_t>(std::min(left, draw.one_in(2) ? 1 : draw.between(1, 8)));
  steps.erase(steps.begin() + from, steps.begin() + from + count);
}

void repeat_some(Steps& steps, Draw& draw) {
  const std::ptrdiff_t from = place_in(steps, draw);
  const auto left = static_cast<std::uint64_t>(steps.end() - steps.begin() - from);
  const auto to = from + static_cast<std::ptrdiff_t>(std::min(left, draw.between(1, 6)));
  RepeatStep repeat{.times = draw.between(2, 20)};
  repeat.steps.assign(steps.begin() + from, steps.begin() + to);
  steps.erase(steps.begin() + from, steps.begin() + to);
  steps.insert(steps.begin() + from, Step{.what = std::move(repeat)});
}

void change_count(Step& step, Draw& draw) {
  if (auto* repeat = std::get_if<RepeatStep>(&step.what)) repeat->times = draw.between(1, 40);
  if (auto* crowd = std::get_if<CrowdStep>(&step.what); crowd != nullptr && crowd->count) {
    crowd->count = draw.between(1, 40);
    crowd->at_once = draw.one_in(2) ? std::optional<std::uint64_t>{} : draw.between(1, 40);
  }
}

}  // namespace

void mutate_steps(Steps& steps, const Target& target, Draw& draw) {
  if (target.speaks.exchanges.size() > 1 && draw.one_in(4))
    return go_on_talking(steps, target, draw);
  if (steps.empty() || draw.one_in(4)) {
    const auto at = static_cast<std::ptrdiff_t>(draw.between(0, steps.size()));
    steps.insert(steps.begin() + at, drawn_step(steps, target, draw));
    return;
  }
  const std::ptrdiff_t at = place_in(steps, draw);
  Step& step = steps[static_cast<std::size_t>(at)];
  // Into what is repeated, as often as not.
  if (auto* repeat = std::get_if<RepeatStep>(&step.what); repeat != nullptr && draw.one_in(2))
    return mutate_steps(repeat->steps, target, draw);
  switch (draw.below(8)) {
    case 0:
      return remove_some(steps, draw);
    case 1: {
      const Step copy = step;
      steps.insert(steps.begin() + place_in(steps, draw), copy);
      return;
    }
    case 2:
      return std::swap(step, steps[static_cast<std::size_t>(place_in(steps, draw))]);
    case 3:
      return repeat_some(steps, draw);
    case 4:
      return unfold(steps, static_cast<std::size_t>(at));
    case 5:
      return change_count(step, draw);
    case 6:
      if (auto* client = std::get_if<ClientStep>(&step.what))
        client->action = drawn_action(target, draw);
      return;
    default:
      if (auto* client = std::get_if<ClientStep>(&step.what))
        client->client = drawn_client(steps, draw);
  }
}

bool mutate_a_cut(Steps& steps, Draw& draw) {
  std::vector<Cut*> cuts;
  for_each_action(steps, [&](ClientAction& action) {
    if (auto* send = std::get_if<Send>(&action)) cuts.push_back(&send->cut);
    if (auto* exchange = std::get_if<ExchangeStep>(&action)) cuts.push_back(&exchange->cut);
  });
  if (cuts.empty()) return false;
  Cut& cut = *draw.of(cuts);
  if (draw.one_in(8)) {
    cut = Cut{.kind = draw.one_in(2) ? Cut::Kind::none : Cut::Kind::every_byte};
    return true;
  }
  if (cut.kind != Cut::Kind::at) cut = Cut{.kind = Cut::Kind::at};
  if (!cut.at.empty() && draw.one_in(3))
    cut.at.erase(cut.at.begin() + static_cast<std::ptrdiff_t>(draw.below(cut.at.size())));
  cut.at.push_back(draw.one_in(2) ? draw.between(1, 32) : draw.between(1, 70'000));
  std::sort(cut.at.begin(), cut.at.end());
  cut.at.erase(std::unique(cut.at.begin(), cut.at.end()), cut.at.end());
  return true;
}

void mutate_faults(std::vector<Fault>& faults, Draw& draw) {
  const std::size_t at = static_cast<std::size_t>(draw.below(faults.size()));
  if (!faults.empty() && draw.one_in(3)) {
    faults.erase(faults.begin() + static_cast<std::ptrdiff_t>(at));
    return;
  }
  if (!faults.empty() && draw.one_in(2)) {
    faults[at].nth = std::clamp<std::uint64_t>(faults[at].nth + draw.below(5), 3, kMostNth) - 2;
    return;
  }
  if (faults.size() >= kMostFaults) return;
  Fault fault{.call = draw.of(all_fault_calls()), .nth = draw.between(1, draw.one_in(3) ? 50 : 6)};
  fault.error = draw.of(errors_of(fault.call));
  if ((may_fall_short(fault.call) || may_be_spurious(fault.call)) && draw.one_in(2)) {
    fault.error.clear();
    fault.effect =
        may_fall_short(fault.call) ? Fault::Effect::falls_short : Fault::Effect::spurious;
    if (may_fall_short(fault.call)) fault.octets = draw.between(1, draw.one_in(2) ? 3 : 5000);
  }
  faults.push_back(std::move(fault));
}

void mutate_schedule(Schedule& schedule, Draw& draw) {
  std::vector<std::uint8_t>& choices = schedule.choices;
  const auto choice = static_cast<std::uint8_t>(draw.below(8));
  const auto at = static_cast<std::ptrdiff_t>(draw.below(choices.size()));
  switch (draw.below(4)) {
    case 0:
      schedule.seed = draw.below(kLargestSeed);
      return;
    case 1:
      if (!choices.empty()) choices[static_cast<std::size_t>(at)] = choice;
      return;
    case 2:
      if (!choices.empty()) choices.erase(choices.begin() + at);
      return;
    default:
      if (choices.size() < kMostChoices) choices.insert(choices.begin() + at, choice);
  }
}

}  // namespace sockdrill
