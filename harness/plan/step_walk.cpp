#include "harness/plan/step_walk.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/overload.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

tl::unexpected<StepProblem> problem_at(const std::string& pointer, std::string message) {
  return tl::unexpected<StepProblem>(StepProblem{pointer, std::move(message)});
}

}  // namespace

StepWalk::StepWalk(const Applies& applies, std::optional<Transport> transport) {
  const std::vector<Transport> transports =
      transport ? std::vector<Transport>{*transport} : applies.transport;
  may_be_datagram_ =
      transports.empty() || std::any_of(transports.begin(), transports.end(),
                                        [](Transport t) { return !is_connected(t); });
}

Walked StepWalk::add(const std::vector<Step>& steps) {
  for (const Step& step : steps) TRY_VOID(add(step));
  return {};
}

Walked StepWalk::add(const Step& step) {
  return std::visit(
      Overload{[&](const ClientStep& s) { return client(s.client, s.action, step.pointer); },
               [&](const ServerStep& s) { return server(s.action, step.pointer); },
               [&](const CrowdStep& s) { return crowd(s, step.pointer); },
               [&](const RepeatStep& s) { return repeat(s); }},
      step.what);
}

Walked StepWalk::end(const std::string& pointer) const {
  if (is_stopped_)
    return problem_at(
        pointer,
        "the script ends with the server stopped: a {\"server\": \"continue\"} is missing");
  return {};
}

Walked StepWalk::repeat(const RepeatStep& step) {
  TRY_VOID(add(step.steps));
  // The second time round begins where the first one ended.
  return step.times > 1 ? add(step.steps) : Walked{};
}

Walked StepWalk::crowd(const CrowdStep& step, const std::string& pointer) {
  const bool is_there = crowds_.count(step.name) != 0;
  if (!step.count && !is_there) {
    const std::vector<std::string> names(crowds_.begin(), crowds_.end());
    return problem_at(pointer + "/clients",
                      fmt::format("there is no crowd '{}' yet: a number makes a new one{}",
                                  step.name, did_you_mean(step.name, names)));
  }
  if (step.count && phases_.count(step.name) != 0)
    return problem_at(pointer,
                      fmt::format("'{}' is a client already: name the crowd otherwise", step.name));
  crowds_.insert(step.name);
  const std::string member = step.name + "*";
  if (step.count) {
    ClientPhase& phase = phases_[member];
    if (is_open(phase))
      return problem_at(pointer, fmt::format("the clients of '{}' are open already: close or reset "
                                             "them first, or name the new crowd otherwise",
                                             step.name));
    phase = ClientPhase::absent;
  }
  for (std::size_t i = 0; i < step.each.size(); ++i)
    TRY_VOID(client(member, step.each[i], step.pointers.empty() ? pointer : step.pointers[i]));
  return {};
}

Walked StepWalk::client(const std::string& name, const ClientAction& action,
                        const std::string& pointer) {
  const auto known = phases_.find(name);
  const tl::expected<ClientPhase, std::string> phase =
      phase_after(name, known == phases_.end() ? ClientPhase::absent : known->second, action);
  if (!phase) return problem_at(pointer, phase.error());
  phases_[name] = *phase;
  return {};
}

tl::expected<StepWalk::ClientPhase, std::string> StepWalk::phase_after(
    const std::string& name, ClientPhase phase, const ClientAction& action) const {
  const auto no = [](std::string message) {
    return tl::unexpected<std::string>(std::move(message));
  };
  if (std::holds_alternative<Run>(action)) return phase;
  if (std::holds_alternative<Connect>(action) || std::holds_alternative<Open>(action)) {
    if (is_open(phase))
      return no(fmt::format("'{}' is open already: close or reset it first, or use another client",
                            name));
    return ClientPhase::open;
  }
  const bool sends =
      std::holds_alternative<Send>(action) || std::holds_alternative<ExchangeStep>(action);
  if (phase == ClientPhase::absent && sends && may_be_datagram_) phase = ClientPhase::open;
  if (phase == ClientPhase::absent) {
    std::vector<std::string> names;
    for (const auto& [known, state] : phases_) {
      if (known != name) names.push_back(known);
    }
    return no(fmt::format("client '{}' is not defined: it needs a \"connect\" before it can {}{}",
                          name, word_of(action), did_you_mean(name, names)));
  }
  if (phase == ClientPhase::closed)
    return no(fmt::format("this step can never run: '{}' has closed by then", name));
  if (phase == ClientPhase::write_closed && sends)
    return no(
        fmt::format("this step can never run: '{}' has shut down its writing half by then", name));
  if (is_stopped_ && std::holds_alternative<ExchangeStep>(action))
    return no("this step can never be met: the server is stopped, so no reply comes");
  if (is_stopped_ && std::holds_alternative<Close>(action) && !std::get<Close>(action).at_once)
    return no(
        "an orderly close waits for the server's end, and the server is stopped: use "
        "\"close\": \"at-once\" or \"reset\"");
  if (const auto* shutdown = std::get_if<Shutdown>(&action);
      shutdown != nullptr && shutdown->how != Shutdown::How::read)
    return ClientPhase::write_closed;
  if (std::holds_alternative<Close>(action) || std::holds_alternative<Reset>(action))
    return ClientPhase::closed;
  return phase;
}

Walked StepWalk::server(const ServerAction& action, const std::string& pointer) {
  const bool continues = std::holds_alternative<Continue>(action);
  if (has_ended_ && !std::holds_alternative<Restart>(action))
    return problem_at(pointer, "this step can never run: the server has ended by then");
  if (std::holds_alternative<Stop>(action) && is_stopped_)
    return problem_at(pointer, "the server is stopped already");
  if (continues && !is_stopped_)
    return problem_at(pointer, "the server is not stopped: there is nothing to continue");
  if (is_stopped_ && std::holds_alternative<Settled>(action))
    return problem_at(pointer, "this step can never run: a stopped server never settles");
  if (is_stopped_ &&
      (std::holds_alternative<Restart>(action) || std::holds_alternative<Second>(action) ||
       std::holds_alternative<ServerExpect>(action)))
    return problem_at(pointer, "the server is stopped: continue it first");
  if (std::holds_alternative<Stop>(action)) is_stopped_ = true;
  if (continues) is_stopped_ = false;
  if (std::holds_alternative<Restart>(action)) has_ended_ = false;
  if (const auto* expect = std::get_if<ServerExpect>(&action))
    has_ended_ = expect->exit != ServerExpect::Exit::unsaid;
  return {};
}

}  // namespace sockdrill
