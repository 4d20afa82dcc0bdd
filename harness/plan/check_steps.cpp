// Steps that can never run, found without a target: each client and the server walk through their
// states.

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "harness/base/overload.h"
#include "harness/base/try.h"
#include "harness/plan/plan.h"

namespace sockdrill {

namespace {

enum class ClientPhase { absent, open, write_closed, closed };

class Walk final {
 public:
  Walk(const Document& document, const Scenario& scenario, std::optional<Transport> transport)
      : document_(document) {
    const std::vector<Transport> transports =
        transport ? std::vector<Transport>{*transport} : scenario.applies.transport;
    may_be_datagram_ =
        transports.empty() || std::any_of(transports.begin(), transports.end(),
                                          [](Transport t) { return !is_connected(t); });
  }

  Result<void> steps(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      TRY_VOID(std::visit(
          Overload{[&](const ClientStep& s) { return client(s.client, s.action, step.pointer); },
                   [&](const ServerStep& s) { return server(s.action, step.pointer); },
                   [&](const CrowdStep& s) { return crowd(s, step.pointer); },
                   [&](const RepeatStep& s) { return repeat(s); }},
          step.what));
    }
    return {};
  }

  Result<void> end(const std::string& pointer) {
    if (is_stopped_)
      return at(pointer,
                "the script ends with the server stopped: a {\"server\": \"continue\"} is missing");
    return {};
  }

 private:
  Result<void> repeat(const RepeatStep& step) {
    TRY_VOID(steps(step.steps));
    // The second time round begins where the first one ended.
    return step.times > 1 ? steps(step.steps) : Result<void>{};
  }

  Result<void> crowd(const CrowdStep& step, const std::string& pointer) {
    const bool is_there = crowds_.count(step.name) != 0;
    if (!step.count && !is_there) {
      const std::vector<std::string> names(crowds_.begin(), crowds_.end());
      return at(pointer + "/clients",
                fmt::format("there is no crowd '{}' yet: a number makes a new one{}", step.name,
                            did_you_mean(step.name, names)));
    }
    if (step.count && phases_.count(step.name) != 0)
      return at(pointer,
                fmt::format("'{}' is a client already: name the crowd otherwise", step.name));
    crowds_.insert(step.name);
    const std::string member = step.name + "*";
    if (step.count) phases_[member] = ClientPhase::absent;
    for (std::size_t i = 0; i < step.each.size(); ++i)
      TRY_VOID(client(member, step.each[i], step.pointers.empty() ? pointer : step.pointers[i]));
    return {};
  }

  Result<void> client(const std::string& name, const ClientAction& action,
                      const std::string& pointer) {
    ClientPhase& phase = phases_[name];
    const std::string word = word_of(action);
    if (std::holds_alternative<Run>(action)) return {};
    if (std::holds_alternative<Connect>(action) || std::holds_alternative<Open>(action)) {
      if (phase == ClientPhase::open || phase == ClientPhase::write_closed)
        return at(
            pointer,
            fmt::format("'{}' is open already: close or reset it first, or use another client",
                        name));
      phase = ClientPhase::open;
      return {};
    }
    const bool sends =
        std::holds_alternative<Send>(action) || std::holds_alternative<ExchangeStep>(action);
    if (phase == ClientPhase::absent && sends && may_be_datagram_) phase = ClientPhase::open;
    if (phase == ClientPhase::absent) {
      std::vector<std::string> names;
      for (const auto& [known, state] : phases_) {
        if (known != name) names.push_back(known);
      }
      return at(pointer,
                fmt::format("client '{}' is not defined: it needs a \"connect\" before it can {}{}",
                            name, word, did_you_mean(name, names)));
    }
    if (phase == ClientPhase::closed)
      return at(pointer, fmt::format("this step can never run: '{}' has closed by then", name));
    if (phase == ClientPhase::write_closed && sends)
      return at(pointer,
                fmt::format("this step can never run: '{}' has shut down its writing half by then",
                            name));
    if (is_stopped_ && std::holds_alternative<ExchangeStep>(action))
      return at(pointer, "this step can never be met: the server is stopped, so no reply comes");
    if (is_stopped_ && std::holds_alternative<Close>(action) && !std::get<Close>(action).at_once)
      return at(pointer,
                "an orderly close waits for the server's end, and the server is stopped: use "
                "\"close\": \"at-once\" or \"reset\"");
    if (const auto* shutdown = std::get_if<Shutdown>(&action);
        shutdown != nullptr && shutdown->how != Shutdown::How::read)
      phase = ClientPhase::write_closed;
    if (std::holds_alternative<Close>(action) || std::holds_alternative<Reset>(action))
      phase = ClientPhase::closed;
    return {};
  }

  Result<void> server(const ServerAction& action, const std::string& pointer) {
    const bool continues = std::holds_alternative<Continue>(action);
    if (has_ended_ && !std::holds_alternative<Restart>(action))
      return at(pointer, "this step can never run: the server has ended by then");
    if (std::holds_alternative<Stop>(action) && is_stopped_)
      return at(pointer, "the server is stopped already");
    if (continues && !is_stopped_)
      return at(pointer, "the server is not stopped: there is nothing to continue");
    if (is_stopped_ && std::holds_alternative<Settled>(action))
      return at(pointer, "this step can never run: a stopped server never settles");
    if (is_stopped_ &&
        (std::holds_alternative<Restart>(action) || std::holds_alternative<Second>(action) ||
         std::holds_alternative<ServerExpect>(action)))
      return at(pointer, "the server is stopped: continue it first");
    if (std::holds_alternative<Stop>(action)) is_stopped_ = true;
    if (continues) is_stopped_ = false;
    if (std::holds_alternative<Restart>(action)) has_ended_ = false;
    if (const auto* expect = std::get_if<ServerExpect>(&action))
      has_ended_ = expect->exit != ServerExpect::Exit::unsaid;
    return {};
  }

  [[nodiscard]] Result<void> at(const std::string& pointer, const std::string& message) const {
    return tl::unexpected(document_.error_at(pointer, message));
  }

  const Document& document_;
  bool may_be_datagram_ = false;
  bool is_stopped_ = false;
  bool has_ended_ = false;
  std::map<std::string, ClientPhase> phases_;
  std::set<std::string> crowds_;
};

}  // namespace

Result<void> check_steps(const Check& check, std::optional<Transport> transport) {
  for (const Bindings& bindings : check.cases) {
    const Scenario scenario = TRY(read_scenario(check.document, bindings));
    Walk walk(check.document, scenario, transport);
    TRY_VOID(walk.steps(scenario.steps));
    TRY_VOID(walk.end(scenario.steps.back().pointer));
  }
  return {};
}

}  // namespace sockdrill
