#include "harness/fuzz/steps.h"

#include <iterator>
#include <map>

#include "harness/base/overload.h"
#include "harness/base/utf8.h"
#include "harness/fuzz/compact.h"

namespace sockdrill {

namespace {

void visit_payload(Payload& payload, const std::function<void(Payload&)>& visit) {
  visit(payload);
  for (Payload& part : payload.parts) visit_payload(part, visit);
  for (auto& [name, value] : payload.fields) visit_payload(value, visit);
}

}  // namespace

void for_each_step(const std::vector<Step>& steps, const std::function<void(const Step&)>& visit) {
  for (const Step& step : steps) {
    visit(step);
    if (const auto* repeat = std::get_if<RepeatStep>(&step.what))
      for_each_step(repeat->steps, visit);
  }
}

void for_each_step(std::vector<Step>& steps, const std::function<void(Step&)>& visit) {
  for (Step& step : steps) {
    visit(step);
    if (auto* repeat = std::get_if<RepeatStep>(&step.what)) for_each_step(repeat->steps, visit);
  }
}

void for_each_payload(ClientAction& action, const std::function<void(Payload&)>& visit) {
  std::visit(Overload{[&](Send& send) { visit_payload(send.payload, visit); },
                      [&](ExchangeStep& exchange) { visit_payload(exchange.payload, visit); },
                      [&](Expect& expect) {
                        for (Outcome& outcome : expect.one_of)
                          visit_payload(outcome.payload, visit);
                      },
                      [&](Run& run) {
                        visit_payload(run.input, visit);
                        if (run.output) visit_payload(*run.output, visit);
                      },
                      [](auto& /*other*/) {}},
             action);
}

void for_each_action(std::vector<Step>& steps, const std::function<void(ClientAction&)>& visit) {
  for_each_step(steps, [&](Step& step) {
    if (auto* client = std::get_if<ClientStep>(&step.what)) visit(client->action);
    if (auto* crowd = std::get_if<CrowdStep>(&step.what)) {
      for (ClientAction& action : crowd->each) visit(action);
    }
  });
}

void for_each_payload(std::vector<Step>& steps, const std::function<void(Payload&)>& visit) {
  for_each_action(steps, [&](ClientAction& action) { for_each_payload(action, visit); });
}

Payload octets_payload(Bytes octets) {
  const bool is_text = is_utf8(octets);
  return {.kind = is_text ? Payload::Kind::text : Payload::Kind::hex, .bytes = std::move(octets)};
}

void for_each_faults(Scenario& scenario,
                     const std::function<void(std::vector<Fault>&, Schedule&)>& visit) {
  visit(scenario.faults, scenario.schedule);
  for_each_step(scenario.steps, [&](Step& step) {
    auto* server = std::get_if<ServerStep>(&step.what);
    auto* from_here = server != nullptr ? std::get_if<FromHere>(&server->action) : nullptr;
    if (from_here != nullptr) visit(from_here->faults, from_here->schedule);
  });
}

void drop_notes(std::vector<Step>& steps) {
  for_each_step(steps, [](Step& step) { step.note.clear(); });
  for_each_action(steps, [](ClientAction& action) {
    if (auto* expect = std::get_if<Expect>(&action)) {
      for (Outcome& outcome : expect->one_of) outcome.because.clear();
    }
  });
}

void rename_clients(std::vector<Step>& steps) {
  std::map<std::string, std::string> names;
  const auto rename = [&](std::string& name) {
    const auto found = names.emplace(name, client_name(names.size())).first;
    name = found->second;
  };
  const auto rename_patterns = [&](ClientAction& action) {
    for_each_payload(action, [&](Payload& payload) {
      if (payload.kind == Payload::Kind::pattern && payload.name != "own") rename(payload.name);
    });
  };
  for_each_step(steps, [&](Step& step) {
    if (auto* client = std::get_if<ClientStep>(&step.what)) {
      rename(client->client);
      rename_patterns(client->action);
    }
    if (auto* crowd = std::get_if<CrowdStep>(&step.what)) {
      rename(crowd->name);
      for (ClientAction& action : crowd->each) rename_patterns(action);
    }
  });
}

void unfold(std::vector<Step>& steps, std::size_t at) {
  std::vector<Step> unfolded;
  if (auto* repeat = std::get_if<RepeatStep>(&steps[at].what)) unfolded = std::move(repeat->steps);
  if (auto* crowd = std::get_if<CrowdStep>(&steps[at].what)) {
    for (ClientAction& action : crowd->each)
      unfolded.push_back({.what = ClientStep{crowd->name, std::move(action)}});
  }
  if (unfolded.empty()) return;
  const auto place = steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(at));
  steps.insert(place, std::make_move_iterator(unfolded.begin()),
               std::make_move_iterator(unfolded.end()));
}

}  // namespace sockdrill
