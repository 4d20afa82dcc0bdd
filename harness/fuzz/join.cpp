#include "harness/fuzz/join.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "harness/fuzz/steps.h"

namespace sockdrill {

namespace {

/// A client or a crowd that is there.
struct Visitor {
  std::string name;
  bool is_crowd;
  bool operator==(const Visitor&) const = default;
};

/// `present`: in the order in which they have come; a crowd may be made anew.
void follow(std::vector<Visitor>& present, const Visitor& visitor, const ClientAction& action) {
  const bool leaves =
      std::holds_alternative<Close>(action) || std::holds_alternative<Reset>(action);
  const bool comes =
      std::holds_alternative<Connect>(action) || std::holds_alternative<Open>(action);
  if (leaves || comes) std::erase(present, visitor);
  if (!leaves && std::ranges::find(present, visitor) == present.end()) present.push_back(visitor);
}

/// Of the clients that are still there after these steps: all say that they have no more to say
/// before the first one leaves, so that none waits for its turn behind another.
std::vector<Step> closings(const std::vector<Step>& steps, Transport transport) {
  std::vector<Visitor> present;
  for_each_step(steps, [&](const Step& step) {
    if (const auto* client = std::get_if<ClientStep>(&step.what))
      follow(present, {client->client, false}, client->action);
    if (const auto* crowd = std::get_if<CrowdStep>(&step.what)) {
      for (const ClientAction& action : crowd->each) follow(present, {crowd->name, true}, action);
    }
  });
  std::vector<Step> ends;
  const auto all_do = [&](const ClientAction& action) {
    for (const auto& [name, is_crowd] : present)
      ends.push_back(is_crowd
                         ? Step{.what = CrowdStep{.name = name, .each = {action}, .pointers = {""}}}
                         : Step{.what = ClientStep{.client = name, .action = action}});
  };
  const bool are_several = present.size() > 1 || std::ranges::any_of(present, &Visitor::is_crowd);
  if (is_connected(transport) && are_several) all_do(Shutdown{.how = Shutdown::How::write});
  all_do(Close{});
  return ends;
}

std::vector<ClientAction> probing() {
  return {Connect{}, ExchangeStep{.payload = Payload{.kind = Payload::Kind::request}}, Close{}};
}

Step settled() { return Step{.what = ServerStep{.action = Settled{}}}; }

/// Of datagrams a client may come with what it says. Whoever was there in an input before has
/// closed since, and has to come again.
std::vector<Step> coming_again(const std::vector<Step>& steps, std::set<std::string>& were_there) {
  std::vector<Step> with_comings;
  std::set<std::string> are_there;
  for (const Step& step : steps) {
    for_each_step({step}, [&](const Step& part) {
      const auto* const client = std::get_if<ClientStep>(&part.what);
      if (client == nullptr || !are_there.insert(client->client).second) return;
      const bool speaks = std::holds_alternative<Send>(client->action) ||
                          std::holds_alternative<ExchangeStep>(client->action);
      if (speaks && were_there.contains(client->client))
        with_comings.push_back(
            Step{.what = ClientStep{.client = client->client, .action = Open{}}});
    });
    with_comings.push_back(step);
  }
  were_there.merge(are_there);
  return with_comings;
}

/// A name is either a client's or a crowd's.
void rename_crowds(std::vector<Step>& steps, const std::set<std::string>& clients) {
  for_each_step(steps, [&](Step& step) {
    auto* const crowd = std::get_if<CrowdStep>(&step.what);
    if (crowd != nullptr && clients.contains(crowd->name))
      crowd->name = crowd->name.substr(0, 24) + "-crowd";
  });
}

bool has_faults(const Scenario& input) {
  return !input.faults.empty() || input.schedule != Schedule{};
}

Step from_here(FromHere begins) { return Step{.what = ServerStep{.action = std::move(begins)}}; }

}  // namespace

Scenario join(const std::vector<Scenario>& inputs, Transport transport) {
  Scenario whole = inputs.back();
  if (inputs.size() == 1) return whole;
  std::set<std::string> clients{"fresh"};
  for (const Scenario& input : inputs) {
    for_each_step(input.steps, [&](const Step& step) {
      if (const auto* client = std::get_if<ClientStep>(&step.what)) clients.insert(client->client);
    });
  }
  std::set<std::string> were_there;
  whole.steps.clear();
  whole.faults = inputs.front().faults;
  whole.schedule = inputs.front().schedule;
  for (const Scenario& input : inputs) {
    if (&input != &inputs.front() && has_faults(input))
      whole.steps.push_back(from_here({input.faults, input.schedule}));
    std::vector<Step> steps = coming_again(input.steps, were_there);
    rename_crowds(steps, clients);
    const std::vector<Step> ends = closings(steps, transport);
    whole.steps.insert(whole.steps.end(), steps.begin(), steps.end());
    if (&input == &inputs.back()) break;
    whole.steps.push_back(settled());
    if (!ends.empty()) {
      whole.steps.insert(whole.steps.end(), ends.begin(), ends.end());
      whole.steps.push_back(settled());
    }
    if (input.needs_simulated_kernel()) whole.steps.push_back(from_here({}));
    // The probe that comes after each input may be what uses up the last of something.
    for (ClientAction& action : probing())
      whole.steps.push_back(
          Step{.what = ClientStep{.client = "fresh", .action = std::move(action)}});
    // At rest, and the second time whatever it waits for has come to pass.
    whole.steps.push_back(settled());
    whole.steps.push_back(settled());
  }
  return whole;
}

}  // namespace sockdrill
