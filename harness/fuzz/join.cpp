#include "harness/fuzz/join.h"

#include <set>
#include <string>
#include <utility>

namespace sockdrill {

namespace {

struct Present {
  std::set<std::string> clients;
  std::set<std::string> crowds;
};

void follow(std::set<std::string>& present, const std::string& name, const ClientAction& action) {
  if (std::holds_alternative<Close>(action) || std::holds_alternative<Reset>(action))
    present.erase(name);
  else
    present.insert(name);
}

void follow(Present& present, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (const auto* client = std::get_if<ClientStep>(&step.what))
      follow(present.clients, client->client, client->action);
    if (const auto* crowd = std::get_if<CrowdStep>(&step.what)) {
      for (const ClientAction& action : crowd->each) follow(present.crowds, crowd->name, action);
    }
    if (const auto* repeat = std::get_if<RepeatStep>(&step.what)) follow(present, repeat->steps);
  }
}

/// Of the clients that are still there after these steps, crowds too.
std::vector<Step> closings(const std::vector<Step>& steps) {
  Present present;
  follow(present, steps);
  std::vector<Step> ends;
  for (const std::string& name : present.clients)
    ends.push_back(Step{.what = ClientStep{.client = name, .action = Close{}}});
  for (const std::string& name : present.crowds)
    ends.push_back(Step{.what = CrowdStep{.name = name, .each = {Close{}}, .pointers = {""}}});
  return ends;
}

std::vector<ClientAction> probing() {
  return {Connect{}, ExchangeStep{.payload = Payload{.kind = Payload::Kind::request}}, Close{}};
}

bool has_faults(const Scenario& input) {
  return !input.faults.empty() || input.schedule != Schedule{};
}

Step from_here(FromHere begins) { return Step{.what = ServerStep{.action = std::move(begins)}}; }

}  // namespace

Scenario join(const std::vector<Scenario>& inputs) {
  Scenario whole = inputs.back();
  whole.steps.clear();
  whole.faults = inputs.front().faults;
  whole.schedule = inputs.front().schedule;
  for (const Scenario& input : inputs) {
    if (&input != &inputs.front() && has_faults(input))
      whole.steps.push_back(from_here({input.faults, input.schedule}));
    whole.steps.insert(whole.steps.end(), input.steps.begin(), input.steps.end());
    if (&input == &inputs.back()) break;
    for (Step& step : closings(input.steps)) whole.steps.push_back(std::move(step));
    if (input.needs_simulated_kernel()) {
      whole.steps.push_back(Step{.what = ServerStep{.action = Settled{}}});
      whole.steps.push_back(from_here({}));
    }
    // The probe that comes after each input may be what uses up the last of something.
    for (ClientAction& action : probing())
      whole.steps.push_back(
          Step{.what = ClientStep{.client = "fresh", .action = std::move(action)}});
    whole.steps.push_back(Step{.what = ServerStep{.action = Settled{}}});
  }
  return whole;
}

}  // namespace sockdrill
