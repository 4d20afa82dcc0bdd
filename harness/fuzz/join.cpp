#include "harness/fuzz/join.h"

#include <set>
#include <string>

namespace sockdrill {

namespace {

/// The clients that are still there after these steps, crowds too.
std::vector<Step> closings(const std::vector<Step>& steps) {
  std::set<std::string> clients;
  std::set<std::string> crowds;
  for (const Step& step : steps) {
    if (const auto* client = std::get_if<ClientStep>(&step.what)) {
      const bool ends = std::holds_alternative<Close>(client->action) ||
                        std::holds_alternative<Reset>(client->action);
      if (ends)
        clients.erase(client->client);
      else
        clients.insert(client->client);
    }
    if (const auto* crowd = std::get_if<CrowdStep>(&step.what)) crowds.insert(crowd->name);
  }
  std::vector<Step> ends;
  for (const std::string& name : clients)
    ends.push_back(Step{.what = ClientStep{.client = name, .action = Close{}}});
  for (const std::string& name : crowds)
    ends.push_back(Step{.what = CrowdStep{.name = name, .each = {Close{}}, .pointers = {""}}});
  return ends;
}

std::vector<ClientAction> probing() {
  return {Connect{}, ExchangeStep{.payload = Payload{.kind = Payload::Kind::request}}, Close{}};
}

}  // namespace

Scenario join(const std::vector<Scenario>& inputs) {
  Scenario whole = inputs.back();
  whole.steps.clear();
  for (const Scenario& input : inputs) {
    whole.steps.insert(whole.steps.end(), input.steps.begin(), input.steps.end());
    if (&input == &inputs.back()) break;
    for (Step& step : closings(input.steps)) whole.steps.push_back(std::move(step));
    // The probe that comes after each input may be what uses up the last of something.
    for (ClientAction& action : probing())
      whole.steps.push_back(
          Step{.what = ClientStep{.client = "fresh", .action = std::move(action)}});
    whole.steps.push_back(Step{.what = ServerStep{.action = Settled{}}});
  }
  return whole;
}

}  // namespace sockdrill
